"""A MetaTrader5-shaped module behind the gateway port: one terminal, one account."""
