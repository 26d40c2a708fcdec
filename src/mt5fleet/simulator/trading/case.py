"""One request together with everything it is judged by, looked up once."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.rows import ZERO, Order, Position
from mt5fleet.simulator.codes import Action, OrderType, TimeType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.prices.quotes import DAY_MS, Quote
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.requests import TradeRequest

DAY_S = DAY_MS // MS_PER_S
_T = TypeVar("_T")


class CheckOrderError(Exception):
    """A check asked for something that an earlier check should have required: a fault of the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request, the account it is for, and what the request points at (None when there is no such thing)."""

    market: Market
    terms: AccountTerms
    book: AccountBook
    request: TradeRequest
    spec: SymbolSpec | None
    position: Position | None
    order: Order | None
    quote: Quote | None
    now_ms: int  # server time
    liquidity_lots: Decimal | None = None  # all that is on offer for this request; None = by the depth

    @classmethod
    def of(
        cls, market: Market, login: int, request: TradeRequest, liquidity_lots: Decimal | None = None
    ) -> "Case":
        book = market.books.account(login)
        position = book.positions.get(request.position) if request.position else None
        order = book.orders.get(request.order) if request.order else None
        symbol = _symbol(request, position, order)
        return cls(
            market=market,
            terms=market.terms[login],
            book=book,
            request=request,
            spec=market.specs.get(symbol),
            position=position,
            order=order,
            quote=market.quote(symbol),
            now_ms=market.server_ms(),
            liquidity_lots=liquidity_lots,
        )

    @property
    def known_spec(self) -> SymbolSpec:
        return _required(self.spec, "symbol")

    @property
    def known_quote(self) -> Quote:
        return _required(self.quote, "quote")

    @property
    def known_position(self) -> Position:
        return _required(self.position, "position")

    @property
    def known_order(self) -> Order:
        return _required(self.order, "order")

    @property
    def is_close(self) -> bool:
        """Tell whether the request is a market order against a named position."""
        return self.request.action == Action.DEAL and self.request.position != 0

    @property
    def pending_type(self) -> OrderType:
        """Return the pending order's type: the standing one's, or the one asked for."""
        return self.order.type if self.order is not None else OrderType(self.request.type)

    @property
    def side(self) -> OrderType:
        return OrderType(self.request.type).side

    @property
    def market_price(self) -> Decimal:
        """Return what a market order of this side gets now."""
        return self.known_quote.ask if self.side is OrderType.BUY else self.known_quote.bid

    @property
    def volume(self) -> Decimal:
        """Return the asked volume, exactly on the symbol's grid."""
        step = self.known_spec.volume_step_lots
        return ((self.request.volume / step).to_integral_value() * step).quantize(step)

    @property
    def expires_s(self) -> int:
        """Return the server second at which the pending order ends, 0 for never."""
        match self.request.type_time:
            case TimeType.SPECIFIED:
                return self.request.expiration
            case TimeType.DAY:
                return (self.now_ms // DAY_MS + 1) * DAY_S
            case TimeType.SPECIFIED_DAY:
                return (self.request.expiration // DAY_S + 1) * DAY_S if self.request.expiration else 0
            case _:
                return 0

    def side_volume(self) -> Decimal:
        """Return the volume open and waiting on this side of the symbol."""
        symbol = self.known_spec.name
        held = sum((p.volume for p in self.book.positions_on(symbol) if p.type is self.side), ZERO)
        waiting = [o for o in self.book.orders.values() if o.symbol == symbol and o.type.side is self.side]
        return held + sum((order.volume_current for order in waiting), ZERO)

    def opened_position(self) -> Position:
        """Return the position a market order would open, without a ticket yet.

        Raises:
            NoRateError: The margin currency cannot be converted.
        """
        return Position(
            ticket=0,
            identifier=0,
            symbol=self.known_spec.name,
            type=self.side,
            volume=self.volume,
            price_open=self.market_price,
            rate_margin=self.margin_rate(),
            sl=self.price_or_zero(self.request.sl),
            tp=self.price_or_zero(self.request.tp),
            magic=self.request.magic,
            comment=self.market.comment(self.request.comment),
            time_ms=self.now_ms,
            time_update_ms=self.now_ms,
        )

    def margin_rate(self) -> Decimal:
        spec = self.known_spec
        rate = self.market.money.margin_rate(spec.margin, self.terms.currency, self.side)
        # A position that could never be valued must not be opened.
        self.market.money.received(Decimal(1), spec.profit, self.terms.currency)
        return rate

    def price_or_zero(self, price: Decimal) -> Decimal:
        return self.known_spec.at_digits(price) if price else ZERO


def _symbol(request: TradeRequest, position: Position | None, order: Order | None) -> str:
    if request.action == Action.SLTP and position is not None:
        return position.symbol
    if request.action in (Action.MODIFY, Action.REMOVE) and order is not None:
        return order.symbol
    return request.symbol


def _required(value: _T | None, name: str) -> _T:
    if value is None:
        raise CheckOrderError(f"{name}: asked for before it was checked")
    return value
