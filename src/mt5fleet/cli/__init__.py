"""The `mt5fleet` command."""
