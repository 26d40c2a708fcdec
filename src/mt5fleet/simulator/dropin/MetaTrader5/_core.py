"""What is a C extension in the vendor's package: 11 structures, and 32 functions over one connection."""

from typing import Any as _Any

from . import _structures
from ._terminal import Terminal as _Terminal

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

_terminal: _Any = _Terminal()

account_info = _terminal.account_info
copy_rates_from = _terminal.copy_rates_from
copy_rates_from_pos = _terminal.copy_rates_from_pos
copy_rates_range = _terminal.copy_rates_range
copy_ticks_from = _terminal.copy_ticks_from
copy_ticks_range = _terminal.copy_ticks_range
history_deals_get = _terminal.history_deals_get
history_deals_total = _terminal.history_deals_total
history_orders_get = _terminal.history_orders_get
history_orders_total = _terminal.history_orders_total
initialize = _terminal.initialize
last_error = _terminal.last_error
login = _terminal.login
market_book_add = _terminal.market_book_add
market_book_get = _terminal.market_book_get
market_book_release = _terminal.market_book_release
order_calc_margin = _terminal.order_calc_margin
order_calc_profit = _terminal.order_calc_profit
order_check = _terminal.order_check
order_send = _terminal.order_send
orders_get = _terminal.orders_get
orders_total = _terminal.orders_total
positions_get = _terminal.positions_get
positions_total = _terminal.positions_total
shutdown = _terminal.shutdown
symbol_info = _terminal.symbol_info
symbol_info_tick = _terminal.symbol_info_tick
symbol_select = _terminal.symbol_select
symbols_get = _terminal.symbols_get
symbols_total = _terminal.symbols_total
terminal_info = _terminal.terminal_info
version = _terminal.version
