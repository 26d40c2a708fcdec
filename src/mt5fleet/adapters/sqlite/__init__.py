"""The bridge's journal on disk."""
