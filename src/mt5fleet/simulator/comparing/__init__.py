"""The same questions to two MetaTrader5 modules, one of them real; see docs/simulator.md."""
