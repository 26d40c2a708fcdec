"""The vendor's numbers the broker reasons with, under names; values as in package MetaTrader5 5.0.6231."""

from enum import IntEnum


class Action(IntEnum):
    """What a trade request asks for."""

    DEAL = 1
    PENDING = 5
    SLTP = 6
    MODIFY = 7
    REMOVE = 8
    CLOSE_BY = 10


class OrderType(IntEnum):
    """Kind of an order; the first two are market orders and also the sides of deals and positions."""

    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BUY_STOP_LIMIT = 6
    SELL_STOP_LIMIT = 7
    CLOSE_BY = 8

    @property
    def is_market(self) -> bool:
        return self in (OrderType.BUY, OrderType.SELL)

    @property
    def is_pending(self) -> bool:
        return OrderType.BUY_LIMIT <= self <= OrderType.SELL_STOP_LIMIT

    @property
    def is_limit(self) -> bool:
        return self in (OrderType.BUY_LIMIT, OrderType.SELL_LIMIT)

    @property
    def is_stop_limit(self) -> bool:
        """Tell whether the order becomes a limit order once its price is reached."""
        return self in (OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT)

    @property
    def side(self) -> "OrderType":
        """Return BUY or SELL: which side of the market the order takes."""
        return OrderType.BUY if self % 2 == 0 else OrderType.SELL

    @property
    def opposite(self) -> "OrderType":
        return OrderType.SELL if self.side is OrderType.BUY else OrderType.BUY


SIDES: dict[int, OrderType] = {kind: kind.side for kind in OrderType}
"""Which side of the market each kind of order takes, by the number of its kind."""


class OrderState(IntEnum):
    """Where an order stands."""

    STARTED = 0
    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6

    @property
    def is_final(self) -> bool:
        return self not in (OrderState.STARTED, OrderState.PLACED, OrderState.PARTIAL)


class DealType(IntEnum):
    """Kind of a deal."""

    BUY = 0
    SELL = 1
    BALANCE = 2
    CREDIT = 3
    CHARGE = 4
    CORRECTION = 5
    BONUS = 6
    COMMISSION = 7
    INTEREST = 12

    @property
    def trades(self) -> bool:
        """Tell whether the deal bought or sold something."""
        return self in (DealType.BUY, DealType.SELL)


class Entry(IntEnum):
    """What a deal does to its position."""

    IN = 0
    OUT = 1
    INOUT = 2  # turned a netting position round
    OUT_BY = 3  # closed by an opposite position


class Reason(IntEnum):
    """Who caused an order or a deal; the vendor's lists agree up to STOP_OUT, the rest is for deals."""

    CLIENT = 0
    MOBILE = 1
    WEB = 2
    EXPERT = 3
    STOP_LOSS = 4
    TAKE_PROFIT = 5
    STOP_OUT = 6
    ROLLOVER = 7


class Filling(IntEnum):
    """How much of an order must be filled."""

    FOK = 0
    IOC = 1
    RETURN = 2
    BOC = 3


class TimeType(IntEnum):
    """How long a pending order lives."""

    GTC = 0
    DAY = 1
    SPECIFIED = 2
    SPECIFIED_DAY = 3


class TradeMode(IntEnum):
    """What may be traded on a symbol."""

    DISABLED = 0
    LONG_ONLY = 1
    SHORT_ONLY = 2
    CLOSE_ONLY = 3
    FULL = 4


class Execution(IntEnum):
    """Execution mode of a symbol."""

    REQUEST = 0
    INSTANT = 1
    MARKET = 2
    EXCHANGE = 3

    @property
    def names_a_price(self) -> bool:
        """Tell whether the client names the price, so that deviation and requotes exist."""
        return self in (Execution.REQUEST, Execution.INSTANT)


class CalcMode(IntEnum):
    """Profit and margin formula of a symbol."""

    FOREX = 0
    FUTURES = 1
    CFD = 2
    CFD_INDEX = 3
    CFD_LEVERAGE = 4
    FOREX_NO_LEVERAGE = 5
    EXCHANGE_STOCKS = 32
    EXCHANGE_FUTURES = 33
    EXCHANGE_STOCKS_MOEX = 38


class SwapMode(IntEnum):
    """How the overnight swap of a position is reckoned."""

    DISABLED = 0
    POINTS = 1
    CURRENCY_SYMBOL = 2  # money of the symbol's base currency, a lot
    CURRENCY_MARGIN = 3
    CURRENCY_DEPOSIT = 4
    INTEREST_CURRENT = 5  # percent a year of the price now
    INTEREST_OPEN = 6  # percent a year of the opening price
    REOPEN_CURRENT = 7  # reopened at the close price +/- points
    REOPEN_BID = 8


class Retcode(IntEnum):
    """Answers to a trade request."""

    OK = 0  # order_check only: the request would pass
    REQUOTE = 10004
    REJECT = 10006
    CANCEL = 10007
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    ERROR = 10011
    TIMEOUT = 10012
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_CHANGED = 10020
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    ORDER_CHANGED = 10023
    TOO_MANY_REQUESTS = 10024
    NO_CHANGES = 10025
    SERVER_DISABLES_AT = 10026
    CLIENT_DISABLES_AT = 10027
    LOCKED = 10028
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    ONLY_REAL = 10032
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038
    CLOSE_ORDER_EXIST = 10039
    LIMIT_POSITIONS = 10040
    REJECT_CANCEL = 10041
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044
    FIFO_CLOSE = 10045
    HEDGE_PROHIBITED = 10046


RETCODE_TEXTS: dict[Retcode, str] = {
    Retcode.OK: "Done",
    Retcode.REQUOTE: "Requote",
    Retcode.REJECT: "Request rejected",
    Retcode.CANCEL: "Request canceled",
    Retcode.PLACED: "Order placed",
    Retcode.DONE: "Request executed",
    Retcode.DONE_PARTIAL: "Request executed partially",
    Retcode.ERROR: "Request error",
    Retcode.TIMEOUT: "Request timeout",
    Retcode.INVALID: "Invalid request",
    Retcode.INVALID_VOLUME: "Invalid volume",
    Retcode.INVALID_PRICE: "Invalid price",
    Retcode.INVALID_STOPS: "Invalid stops",
    Retcode.TRADE_DISABLED: "Trade disabled",
    Retcode.MARKET_CLOSED: "Market closed",
    Retcode.NO_MONEY: "No money",
    Retcode.PRICE_CHANGED: "Price changed",
    Retcode.PRICE_OFF: "No prices",
    Retcode.INVALID_EXPIRATION: "Invalid expiration",
    Retcode.ORDER_CHANGED: "Order changed",
    Retcode.TOO_MANY_REQUESTS: "Too many requests",
    Retcode.NO_CHANGES: "No changes",
    Retcode.SERVER_DISABLES_AT: "AutoTrading disabled by server",
    Retcode.CLIENT_DISABLES_AT: "AutoTrading disabled by client",
    Retcode.LOCKED: "Order locked",
    Retcode.FROZEN: "Order frozen",
    Retcode.INVALID_FILL: "Unsupported filling mode",
    Retcode.CONNECTION: "No connection",
    Retcode.ONLY_REAL: "Only real accounts allowed",
    Retcode.LIMIT_ORDERS: "Orders limit reached",
    Retcode.LIMIT_VOLUME: "Volume limit reached",
    Retcode.INVALID_ORDER: "Invalid order",
    Retcode.POSITION_CLOSED: "Position closed",
    Retcode.INVALID_CLOSE_VOLUME: "Invalid close volume",
    Retcode.CLOSE_ORDER_EXIST: "Close order already exists",
    Retcode.LIMIT_POSITIONS: "Positions limit reached",
    Retcode.REJECT_CANCEL: "Pending order rejected and canceled",
    Retcode.LONG_ONLY: "Only long positions allowed",
    Retcode.SHORT_ONLY: "Only short positions allowed",
    Retcode.CLOSE_ONLY: "Only position closing allowed",
    Retcode.FIFO_CLOSE: "Positions must be closed by FIFO",
    Retcode.HEDGE_PROHIBITED: "Hedging prohibited",
}
"""The sentence the broker puts into the answer's comment; every member has one."""
