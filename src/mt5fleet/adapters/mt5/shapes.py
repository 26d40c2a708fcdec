"""What the gateway uses of a MetaTrader5-shaped module; the real package publishes no types.

Source: functions and structures of the MetaTrader5 package 5.0.6231.
"""

from collections.abc import Sequence
from typing import Protocol, overload


class AccountRow(Protocol):
    """AccountInfo."""

    login: int
    trade_mode: int
    leverage: int
    trade_allowed: bool
    trade_expert: bool
    margin_mode: int
    currency_digits: int
    balance: float
    credit: float
    profit: float
    equity: float
    margin: float
    margin_free: float
    server: str
    currency: str
    company: str


class TerminalRow(Protocol):
    """TerminalInfo."""

    connected: bool
    trade_allowed: bool
    tradeapi_disabled: bool
    build: int
    company: str
    path: str


class SymbolRow(Protocol):
    """SymbolInfo."""

    name: str
    select: bool
    time: int
    digits: int
    point: float
    trade_mode: int
    trade_exemode: int
    filling_mode: int
    expiration_mode: int
    trade_stops_level: int
    trade_tick_value_loss: float
    trade_tick_size: float
    trade_contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    currency_profit: str
    currency_margin: str


class TickRow(Protocol):
    """Tick."""

    time_msc: int
    bid: float
    ask: float


class PositionRow(Protocol):
    """TradePosition."""

    ticket: int
    identifier: int
    time_msc: int
    type: int
    magic: int
    volume: float
    price_open: float
    sl: float
    tp: float
    price_current: float
    swap: float
    profit: float
    symbol: str
    comment: str


class OrderRow(Protocol):
    """TradeOrder."""

    ticket: int
    time_setup_msc: int
    time_done_msc: int
    time_expiration: int
    type: int
    type_time: int
    state: int
    magic: int
    position_id: int
    volume_initial: float
    volume_current: float
    price_open: float
    sl: float
    tp: float
    symbol: str
    comment: str


class DealRow(Protocol):
    """TradeDeal."""

    ticket: int
    order: int
    time_msc: int
    type: int
    entry: int
    magic: int
    position_id: int
    reason: int
    volume: float
    price: float
    commission: float
    swap: float
    profit: float
    fee: float
    symbol: str
    comment: str


class SendRow(Protocol):
    """OrderSendResult."""

    retcode: int
    deal: int
    order: int
    volume: float
    price: float
    comment: str


class CheckRow(Protocol):
    """OrderCheckResult: money as it would be after the order."""

    retcode: int
    margin: float
    margin_free: float
    comment: str


class Module(Protocol):
    """The functions of the package that the gateway calls, and no others."""

    def initialize(
        self, *path: str, login: int, password: str, server: str, timeout: int, portable: bool
    ) -> bool: ...

    def shutdown(self) -> bool | None: ...

    def last_error(self) -> tuple[int, str]: ...

    def account_info(self) -> AccountRow | None: ...

    def terminal_info(self) -> TerminalRow | None: ...

    def symbols_get(self) -> Sequence[SymbolRow] | None: ...

    def symbol_info(self, symbol: str, /) -> SymbolRow | None: ...

    def symbol_info_tick(self, symbol: str, /) -> TickRow | None: ...

    def symbol_select(self, symbol: str, enable: bool, /) -> bool: ...

    def positions_get(self) -> Sequence[PositionRow] | None: ...

    def orders_get(self) -> Sequence[OrderRow] | None: ...

    def history_orders_get(self, since: int, until: int, /) -> Sequence[OrderRow] | None: ...

    @overload
    def history_deals_get(self, since: int, until: int, /) -> Sequence[DealRow] | None: ...

    @overload
    def history_deals_get(self, *, ticket: int) -> Sequence[DealRow] | None: ...

    @overload
    def history_deals_get(self, *, position: int) -> Sequence[DealRow] | None: ...

    def order_check(self, request: dict[str, float | int | str], /) -> CheckRow | None: ...

    def order_send(self, request: dict[str, float | int | str], /) -> SendRow | None: ...
