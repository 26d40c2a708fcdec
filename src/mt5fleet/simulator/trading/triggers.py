"""What the market itself sets off: pending orders, stops and targets, expirations, stop-outs.

Sources: MetaTrader 5 Help, "Basic Principles: Types of Orders" (Buy Limit and Buy Stop watch Ask, the
others Bid; stops of a position watch the side it closes at) and "Stop Out". Everything fills at the
market, so a gap fills beyond a stop and better than a limit or a target; stop orders, stop losses and
stop-outs slip further where the symbol does.
"""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import ZERO, Change, Order, Position
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.codes import (
    RETCODE_TEXTS,
    Action,
    Filling,
    OrderState,
    OrderType,
    Reason,
    Retcode,
)
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.checks import activation_refusal
from mt5fleet.simulator.trading.fills import fill
from mt5fleet.simulator.trading.liquidity import available_lots, slipped, taken_price
from mt5fleet.simulator.trading.requests import TradeRequest


def expired(order: Order, now_ms: int) -> bool:
    """Tell whether a pending order's time is over."""
    return bool(order.expires_s) and order.expires_s * 1000 <= now_ms


def expiry(order: Order, now_ms: int) -> Change:
    """Return the order as it goes to the history unfilled."""
    return replace(order, state=OrderState.EXPIRED, time_done_ms=now_ms)


def order_is_reached(order: Order, quote: Quote) -> bool:
    """Tell whether the market has come to an active order's price.

    What is left of a market order, or of a stop order that was set off, is due at every quote.
    """
    match order.type:
        case OrderType.BUY_LIMIT:
            return quote.ask <= order.price_open
        case OrderType.SELL_LIMIT:
            return quote.bid >= order.price_open
        case _ if order.state is OrderState.PARTIAL:
            return True
        case OrderType.BUY_STOP | OrderType.BUY_STOP_LIMIT:
            return quote.ask >= order.price_open
        case OrderType.SELL_STOP | OrderType.SELL_STOP_LIMIT:
            return quote.bid <= order.price_open
        case _:
            return False


def activation(market: Market, login: int, order: Order) -> tuple[Change, ...]:
    """Return the records of a reached order: filled, turned into a limit order, or refused.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    if order.type.is_stop_limit:
        return (_as_limit(order),)
    if _closes_one_position(market, login, order):
        return _closed_further(market, login, order)
    case = Case.of(market, login, _as_market_request(order))
    code = activation_refusal(case, order)
    if code is not None:
        return (_ended(market, order, OrderState.REJECTED, code),)
    return _filled_now(market, login, order, order.volume_current)


def _as_limit(order: Order) -> Order:
    kind = OrderType.BUY_LIMIT if order.type.side is OrderType.BUY else OrderType.SELL_LIMIT
    return replace(order, type=kind, price_open=order.price_stoplimit, price_stoplimit=ZERO)


def _closes_one_position(market: Market, login: int, order: Order) -> bool:
    # On netting accounts an order knows no position of its own: it meets what there is.
    is_hedging = not market.terms[login].margin_mode.nets
    return is_hedging and order.position_id not in (0, order.ticket)


def _closed_further(market: Market, login: int, order: Order) -> tuple[Change, ...]:
    position = market.books.account(login).position_of(order.position_id)
    if position is None:
        return (_ended(market, order, OrderState.CANCELED, Retcode.POSITION_CLOSED),)
    return _filled_now(market, login, order, min(order.volume_current, position.volume))


def _ended(market: Market, order: Order, state: OrderState, code: Retcode) -> Order:
    comment = market.own_comment(RETCODE_TEXTS[code].lower())
    return replace(order, state=state, time_done_ms=market.server_ms(), comment=comment)


def _filled_now(market: Market, login: int, order: Order, wanted: Decimal) -> tuple[Change, ...]:
    spec, side = market.specs[order.symbol], order.type.side
    quote = _known_quote(market, order.symbol)
    volume = available_lots(spec, wanted)
    if order.type_filling is Filling.FOK and volume < order.volume_current:
        return (_ended(market, order, OrderState.CANCELED, Retcode.REJECT),)
    price = taken_price(quote, side)
    if not order.type.is_limit:
        price = slipped(market, spec, side, price, order.ticket)
    rest_waits = order.type_filling is not Filling.IOC
    return fill(market, market.terms[login], order, volume, price, rest_waits=rest_waits).changes


def _known_quote(market: Market, symbol: str) -> Quote:
    quote = market.quote(symbol)
    if quote is None:
        raise NoRateError(f"{symbol}: no quote yet")
    return quote


def _as_market_request(order: Order) -> TradeRequest:
    return TradeRequest(
        action=Action.DEAL, symbol=order.symbol, type=order.type.side, volume=order.volume_current
    )


def stop_reached(position: Position, quote: Quote) -> Reason | None:
    """Tell which of a position's stops the market has reached; the stop loss comes first."""
    is_long = position.type is OrderType.BUY
    price = quote.bid if is_long else quote.ask
    if position.sl and (price <= position.sl if is_long else price >= position.sl):
        return Reason.STOP_LOSS
    if position.tp and (price >= position.tp if is_long else price <= position.tp):
        return Reason.TAKE_PROFIT
    return None


def stop_closure(market: Market, login: int, position: Position, reason: Reason) -> tuple[Change, ...]:
    """Return the records of a position closed by its stop or target, at the market.

    Raises:
        NoRateError: The profit cannot be converted to the account's currency.
    """
    level, word = (position.sl, "sl") if reason is Reason.STOP_LOSS else (position.tp, "tp")
    comment = f"[{word} {market.specs[position.symbol].at_digits(level)}]"
    return _closure(market, login, position, reason, comment, level)


def stop_out_closure(market: Market, login: int, position: Position, worth: Worth) -> tuple[Change, ...]:
    """Return the records of a position the server closes for want of margin."""
    level = worth.margin_level_percent.quantize(Decimal("0.1"))
    comment = f"so {level}%/{worth.equity}/{worth.margin}"
    return _closure(market, login, position, Reason.STOP_OUT, comment, ZERO)


def _closure(
    market: Market, login: int, position: Position, reason: Reason, comment: str, level: Decimal
) -> tuple[Change, ...]:
    spec, side, now_ms = market.specs[position.symbol], position.type.opposite, market.server_ms()
    order = Order(
        ticket=market.books.next_ticket(),
        symbol=position.symbol,
        type=side,
        state=OrderState.STARTED,
        volume_initial=position.volume,
        volume_current=position.volume,
        price_open=level,
        type_filling=Filling.IOC,
        magic=position.magic,
        position_id=position.identifier,
        reason=reason,
        comment=market.own_comment(comment),
        time_setup_ms=now_ms,
    )
    price = market.valuation.closing_price(position)
    if reason is not Reason.TAKE_PROFIT:
        price = slipped(market, spec, side, price, order.ticket)
    volume = available_lots(spec, position.volume)
    return fill(market, market.terms[login], order, volume, price, rest_waits=False).changes
