"""Executes approved trading signals on MetaTrader 5 accounts, each at most once per account and part."""
