"""Use cases in terms of ports, one per file."""
