"""Files for producers in other languages: the JSON Schema of a signal, and test vectors.

`python -m mt5fleet.schema.make` writes both anew.
"""
