"""A stand-in for the vendor's package `MetaTrader5` that trades on the mt5fleet simulator.

Put the folder above this one on `PYTHONPATH` and set `MT5FLEET_SIMULATOR=host:port` to the broker's
address; a program written for MetaTrader 5 then runs unchanged. Names, values, argument rules, result
shapes and `last_error` follow the package 5.0.6231. Not the real thing, and saying so: `terminal_info()`
and `account_info()` name the mt5fleet simulator as company.

Missing here: `copy_rates_*`, `copy_ticks_*` and `market_book_*` answer None (or False) with
(-7, "Unsupported function"), `Buy`, `Sell` and `Close` as well. The `path` of `initialize` is repeated in
`terminal_info()` but selects nothing. `login` moves only this process. A waiting call releases the GIL.
`order_send(*args, **{})` works here and is refused by the vendor's package, which can tell that from
`order_send(*args)`.
"""

from . import _structures, _terminal
from ._constants import *  # noqa: F403  # the 223 constants are the module's own names

AccountInfo = _structures.AccountInfo
BookInfo = _structures.BookInfo
OrderCheckResult = _structures.OrderCheckResult
OrderSendResult = _structures.OrderSendResult
SymbolInfo = _structures.SymbolInfo
TerminalInfo = _structures.TerminalInfo
Tick = _structures.Tick
TradeDeal = _structures.TradeDeal
TradeOrder = _structures.TradeOrder
TradePosition = _structures.TradePosition
TradeRequest = _structures.TradeRequest

_client = _terminal.Terminal()

account_info = _client.account_info
copy_rates_from = _client.copy_rates_from
copy_rates_from_pos = _client.copy_rates_from_pos
copy_rates_range = _client.copy_rates_range
copy_ticks_from = _client.copy_ticks_from
copy_ticks_range = _client.copy_ticks_range
history_deals_get = _client.history_deals_get
history_deals_total = _client.history_deals_total
history_orders_get = _client.history_orders_get
history_orders_total = _client.history_orders_total
initialize = _client.initialize
last_error = _client.last_error
login = _client.login
market_book_add = _client.market_book_add
market_book_get = _client.market_book_get
market_book_release = _client.market_book_release
order_calc_margin = _client.order_calc_margin
order_calc_profit = _client.order_calc_profit
order_check = _client.order_check
order_send = _client.order_send
orders_get = _client.orders_get
orders_total = _client.orders_total
positions_get = _client.positions_get
positions_total = _client.positions_total
shutdown = _client.shutdown
symbol_info = _client.symbol_info
symbol_info_tick = _client.symbol_info_tick
symbol_select = _client.symbol_select
symbols_get = _client.symbols_get
symbols_total = _client.symbols_total
terminal_info = _client.terminal_info
version = _client.version
Buy = _client.buy
Sell = _client.sell
Close = _client.close
