"""Executes approved trading signals on MetaTrader 5 accounts, each at most once per account and part."""

__version__ = "0.1.0"
