"""The folder for `PYTHONPATH`: what is in it takes the place of the vendor's package."""
