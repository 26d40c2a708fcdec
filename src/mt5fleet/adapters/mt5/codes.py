"""The vendor's numbers by name.

Source: constants of the MetaTrader5 package 5.0.6231; MQL5 reference "Symbol properties" for the two bit
masks, which the package does not hold.
"""

from enum import IntEnum


class Action(IntEnum):
    """TRADE_ACTION: what a request asks for."""

    DEAL = 1
    PENDING = 5
    SLTP = 6
    MODIFY = 7
    REMOVE = 8


class OrderType(IntEnum):
    """ORDER_TYPE."""

    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BUY_STOP_LIMIT = 6
    SELL_STOP_LIMIT = 7
    CLOSE_BY = 8


class BrokerOrderState(IntEnum):
    """ORDER_STATE: where an order stands at the broker."""

    STARTED = 0
    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6
    REQUEST_ADD = 7
    REQUEST_MODIFY = 8
    REQUEST_CANCEL = 9


class DealType(IntEnum):
    """DEAL_TYPE: only trades have a side; numbers that are not here are costs or income of trading.

    Source: MQL5 Reference, "Deal Properties", ENUM_DEAL_TYPE.
    """

    BUY = 0
    SELL = 1
    BALANCE = 2  # deposit or withdrawal
    CREDIT = 3  # lent by the broker, kept beside the balance
    CORRECTION = 5  # the broker puts a balance right, for instance a negative one
    BONUS = 6


class DealEntryCode(IntEnum):
    """DEAL_ENTRY."""

    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class Filling(IntEnum):
    """ORDER_FILLING."""

    FOK = 0
    IOC = 1
    RETURN = 2


class FillingBit(IntEnum):
    """Bits of `filling_mode`."""

    FOK = 1
    IOC = 2


class TimeType(IntEnum):
    """ORDER_TIME."""

    GTC = 0
    DAY = 1
    SPECIFIED = 2


class ExpirationBit(IntEnum):
    """Bits of `expiration_mode`."""

    GTC = 1
    DAY = 2
    SPECIFIED = 4


class Execution(IntEnum):
    """SYMBOL_TRADE_EXECUTION."""

    REQUEST = 0
    INSTANT = 1
    MARKET = 2
    EXCHANGE = 3


class SymbolTrade(IntEnum):
    """SYMBOL_TRADE_MODE: what may be done with a symbol."""

    DISABLED = 0
    LONG_ONLY = 1
    SHORT_ONLY = 2
    CLOSE_ONLY = 3
    FULL = 4


class AccountTrade(IntEnum):
    """ACCOUNT_TRADE_MODE."""

    DEMO = 0
    CONTEST = 1
    REAL = 2


class MarginCode(IntEnum):
    """ACCOUNT_MARGIN_MODE."""

    RETAIL_NETTING = 0
    EXCHANGE = 1
    RETAIL_HEDGING = 2


class LastError(IntEnum):
    """RES_E of `last_error`."""

    OK = 1
    INVALID_PARAMS = -2
    NOT_FOUND = -4
    AUTH_FAILED = -6
    AUTO_TRADING_DISABLED = -8
    IPC_FAILED = -10000
    IPC_SEND_FAILED = -10001
    IPC_RECEIVE_FAILED = -10002
    IPC_INIT_FAILED = -10003
    NO_CONNECTION = -10004
    IPC_TIMEOUT = -10005
