"""The wire to the bridges."""
