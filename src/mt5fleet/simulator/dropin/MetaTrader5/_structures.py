"""The module's 11 result types: struct sequences with `_asdict()`, as in the vendor's package.

They are tuples with named fields, `n_fields` and `__match_args__`, but not named tuples: no `_fields`, no
`_replace`, no keyword constructor. Their names carry no module, so they cannot be pickled.
"""

from . import _fields
from ._native import structure_type

AccountInfo = structure_type("AccountInfo", "The account and its worth.", _fields.ACCOUNT_INFO_FIELDS)
TerminalInfo = structure_type("TerminalInfo", "The terminal and its state.", _fields.TERMINAL_INFO_FIELDS)
SymbolInfo = structure_type("SymbolInfo", "An instrument's terms and prices.", _fields.SYMBOL_INFO_FIELDS)
Tick = structure_type("Tick", "The last quote of an instrument.", _fields.TICK_FIELDS)
BookInfo = structure_type("BookInfo", "One level of the market depth.", _fields.BOOK_INFO_FIELDS)
TradeRequest = structure_type("TradeRequest", "What was asked of the broker.", _fields.TRADE_REQUEST_FIELDS)
OrderCheckResult = structure_type(
    "OrderCheckResult", "What the account would be after a request.", _fields.ORDER_CHECK_RESULT_FIELDS
)
OrderSendResult = structure_type(
    "OrderSendResult", "The broker's answer to a request.", _fields.ORDER_SEND_RESULT_FIELDS
)
TradePosition = structure_type("TradePosition", "An open position.", _fields.TRADE_POSITION_FIELDS)
TradeOrder = structure_type("TradeOrder", "A waiting or past order.", _fields.TRADE_ORDER_FIELDS)
TradeDeal = structure_type("TradeDeal", "A deal of the account.", _fields.TRADE_DEAL_FIELDS)
