"""What the market itself sets off: pending orders, stops and targets, expirations, stop-outs.

Sources: MetaTrader 5 Help, "Basic Principles: Types of Orders" (Buy Limit and Buy Stop watch Ask, the
others Bid; stops of a position watch the side it closes at) and "Stop Out". Everything fills at the
market, so a gap fills beyond a stop and better than a limit.
"""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import ZERO, Change, Order, Position
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.codes import Action, Filling, OrderState, OrderType, Reason
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.checks import pending_is_affordable
from mt5fleet.simulator.trading.fills import Cause, closing_fill, opening_fill
from mt5fleet.simulator.trading.requests import TradeRequest


def expired(order: Order, now_ms: int) -> bool:
    """Tell whether a pending order's time is over."""
    return bool(order.expires_s) and order.expires_s * 1000 <= now_ms


def expiry(order: Order, now_ms: int) -> Change:
    """Return the order as it goes to the history unfilled."""
    return replace(order, state=OrderState.EXPIRED, time_done_ms=now_ms)


def order_is_reached(order: Order, quote: Quote) -> bool:
    """Tell whether the market has come to a pending order's price."""
    match order.type:
        case OrderType.BUY_LIMIT:
            return quote.ask <= order.price_open
        case OrderType.SELL_LIMIT:
            return quote.bid >= order.price_open
        case OrderType.BUY_STOP:
            return quote.ask >= order.price_open
        case OrderType.SELL_STOP:
            return quote.bid <= order.price_open
        case _:
            return False


def activation(market: Market, login: int, order: Order) -> tuple[Change, ...]:
    """Return the records of a pending order that is filled now, or refused for want of money."""
    case = Case.of(market, login, _as_market_request(order))
    if not pending_is_affordable(case):
        done_ms = market.server_ms()
        return (replace(order, state=OrderState.REJECTED, time_done_ms=done_ms, comment="no money"),)
    position = replace(
        case.opened_position(), ticket=order.ticket, identifier=order.ticket, comment=order.comment
    )
    filled = replace(order, price_current=position.price_open)
    return opening_fill(market, case.terms, filled, position).changes


def _as_market_request(order: Order) -> TradeRequest:
    return TradeRequest(
        action=Action.DEAL,
        symbol=order.symbol,
        type=order.type.side,
        volume=order.volume_current,
        sl=order.sl,
        tp=order.tp,
        magic=order.magic,
        comment=order.comment,
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
    """Return the records of a position closed by its stop or target, at the market."""
    level, word = (position.sl, "sl") if reason is Reason.STOP_LOSS else (position.tp, "tp")
    comment = f"[{word} {market.specs[position.symbol].at_digits(level)}]"
    return _closure(market, login, position, reason, comment, level)


def stop_out_victim(market: Market, book: AccountBook) -> tuple[Position, Worth] | None:
    """Return the position with the largest loss when the account is below its stop-out level."""
    if not book.positions:
        return None
    terms = market.terms[book.login]
    try:
        worth = market.valuation.worth(book, terms)
        if not _below_stop_out(worth, terms.stop_out_level):
            return None
        floating = {
            ticket: market.valuation.floating(position, terms) for ticket, position in book.positions.items()
        }
    except NoRateError:
        return None  # an account that cannot be valued is left alone
    worst = min(floating, key=lambda ticket: (floating[ticket], ticket))
    return book.positions[worst], worth


def stop_out_closure(market: Market, login: int, position: Position, worth: Worth) -> tuple[Change, ...]:
    """Return the records of a position the server closes for want of margin."""
    level = worth.margin_level_percent.quantize(Decimal("0.1"))
    comment = f"so {level}%/{worth.equity}/{worth.margin}"
    return _closure(market, login, position, Reason.STOP_OUT, comment, ZERO)


def _below_stop_out(worth: Worth, stop_out_percent: Decimal) -> bool:
    if not worth.margin:
        return worth.equity <= 0  # fully hedged: there is no level, only what is left
    return worth.margin_level_percent < stop_out_percent


def _closure(
    market: Market, login: int, position: Position, reason: Reason, comment: str, level: Decimal
) -> tuple[Change, ...]:
    cause = Cause(
        reason=reason, comment=comment, magic=position.magic, filling=Filling.IOC, asked_price=level
    )
    price = market.valuation.closing_price(position)
    fill = closing_fill(market, market.terms[login], position, position.volume, price, cause)
    return fill.changes
