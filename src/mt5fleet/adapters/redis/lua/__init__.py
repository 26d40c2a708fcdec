"""The ledger's scripts; a package, so that they are shipped."""
