"""Files for programs in other languages: the JSON Schemas of signals and records, and test vectors of both.

`python -m mt5fleet.schema.make` writes them anew.
"""
