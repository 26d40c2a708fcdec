"""A broker to trade against, in its own process, and a `MetaTrader5` module that speaks to it."""
