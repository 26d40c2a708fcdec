"""One request together with everything it is judged by, looked up once."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.rows import ZERO, Order, Position
from mt5fleet.simulator.codes import SIDES, Action, Filling, OrderState, OrderType, TimeType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.prices.quotes import DAY_MS, Quote
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.liquidity import available_lots, taken_price
from mt5fleet.simulator.trading.requests import TradeRequest

DAY_S = DAY_MS // MS_PER_S
_T = TypeVar("_T")


class CheckOrderError(Exception):
    """A check asked for something that an earlier check should have required: a fault of the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request, the account it is for, and what the request points at (None when there is no such thing).

    `position` is the one the request names; on netting accounts, without a name, the symbol's only one.
    """

    market: Market
    terms: AccountTerms
    book: AccountBook
    request: TradeRequest
    spec: SymbolSpec | None
    position: Position | None
    position_by: Position | None
    order: Order | None
    quote: Quote | None
    volume: Decimal  # as asked, exactly on the symbol's grid
    is_close: bool  # a market order that can only take from a position
    now_ms: int  # server time
    liquidity_lots: Decimal | None = None  # all that is on offer for this request; None = by the depth

    @classmethod
    def of(
        cls, market: Market, login: int, request: TradeRequest, liquidity_lots: Decimal | None = None
    ) -> "Case":
        book, terms = market.books.account(login), market.terms[login]
        position = _position(book, terms, request)
        order = book.orders.get(request.order) if request.order else None
        symbol = _symbol(request, position, order)
        spec = market.specs.get(symbol)
        return cls(
            market=market,
            terms=terms,
            book=book,
            request=request,
            spec=spec,
            position=position,
            position_by=book.positions.get(request.position_by) if request.position_by else None,
            order=order,
            quote=market.quote(symbol),
            volume=request.volume if spec is None else _on_grid(request.volume, spec.volume_step_lots),
            is_close=_is_close(request, position),
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
    def known_position_by(self) -> Position:
        return _required(self.position_by, "position_by")

    @property
    def known_order(self) -> Order:
        return _required(self.order, "order")

    @property
    def pending_type(self) -> OrderType:
        """Return the pending order's type: the standing one's, or the one asked for."""
        return self.order.type if self.order is not None else OrderType(self.request.type)

    @property
    def side(self) -> OrderType:
        return SIDES[self.request.type]

    @property
    def market_price(self) -> Decimal:
        """Return what a market order of this side gets now."""
        return taken_price(self.known_quote, self.side)

    @property
    def available(self) -> Decimal:
        """Return how much of the asked volume this quote offers."""
        return available_lots(self.known_spec, self.volume, self.liquidity_lots)

    @property
    def filling(self) -> Filling:
        """Return how a market order is filled: always whole where the client names a price."""
        if self.known_spec.execution.names_a_price:
            return Filling.FOK
        return Filling(self.request.type_filling)

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

    def market_order(self, ticket: int = 0) -> Order:
        """Return the order that a market request stands for, not filled yet."""
        request, volume, spec = self.request, self.volume, self.known_spec
        # Under market execution the price of a market order is ignored and recorded as 0.
        asked = self.price_or_zero(request.price) if spec.execution.names_a_price else ZERO
        return Order(
            ticket=ticket,
            symbol=spec.name,
            type=self.side,
            state=OrderState.STARTED,
            volume_initial=volume,
            volume_current=volume,
            price_open=asked,
            # A close carries no stops of its own.
            sl=ZERO if self.is_close else self.price_or_zero(request.sl),
            tp=ZERO if self.is_close else self.price_or_zero(request.tp),
            type_filling=self.filling,
            magic=request.magic,
            position_id=self.known_position.identifier if self.is_close else 0,
            comment=self.market.comment(request.comment),
            time_setup_ms=self.now_ms,
        )

    def price_or_zero(self, price: Decimal) -> Decimal:
        return self.known_spec.at_digits(price) if price else ZERO


def _position(book: AccountBook, terms: AccountTerms, request: TradeRequest) -> Position | None:
    if request.position:
        return book.positions.get(request.position)
    if terms.margin_mode.nets and request.action in (Action.DEAL, Action.SLTP):
        return next(iter(book.positions_on(request.symbol)), None)
    return None


def _is_close(request: TradeRequest, position: Position | None) -> bool:
    if request.action != Action.DEAL:
        return False
    if request.position:
        return True
    is_opposite = position is not None and position.type != request.type
    return is_opposite and position is not None and request.volume <= position.volume


def _on_grid(volume: Decimal, step: Decimal) -> Decimal:
    return ((volume / step).to_integral_value() * step).quantize(step)


def _symbol(request: TradeRequest, position: Position | None, order: Order | None) -> str:
    if request.action in (Action.SLTP, Action.CLOSE_BY) and position is not None:
        return position.symbol
    if request.action in (Action.MODIFY, Action.REMOVE) and order is not None:
        return order.symbol
    return request.symbol


def _required(value: _T | None, name: str) -> _T:
    if value is None:
        raise CheckOrderError(f"{name}: asked for before it was checked")
    return value
