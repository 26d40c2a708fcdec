"""Checks before an order is written down: pure functions over facts; the first refusal wins.

Order for an open: account enabled, trading state, bridge latch, mode, reading, guard memory, stop-loss
present, symbol, side allowed, quote age, spread, entry price, stop, targets; then, once sized: volume limits,
number of positions, margin; shadow last, so that its refusal shows an order that would have been sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.domain.account import Account, TradingState
from mt5fleet.domain.broker import Health, Instrument, Quote, Reading
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.guards import why_blind
from mt5fleet.domain.pricing import level_fits, level_reference, on_tick, spread_points, stops_distance
from mt5fleet.domain.signal import Entry, Open, Side

_PERCENT = Decimal(100)
_R = DenialReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What is known about the account at `now` (the ledger's clock).

    `has_memory`: the guards remember its peak.
    """

    account: Account
    state: TradingState
    has_memory: bool
    health: Health
    reading: Reading
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What is known about the symbol; None as the terminal answered it."""

    instrument: Instrument | None
    quote: Quote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedFacts:
    """What is known once an order has its volume.

    `held` counts positions and resting orders of the account; `volume_right_max` is the producer's own limit
    for one signal, `signal_volume` what all its parts add up to.
    """

    volume: Decimal
    signal_volume: Decimal
    volume_right_max: Decimal | None
    held: int


def check_account(facts: AccountFacts) -> Denial | None:
    """Whether the account may take more risk now."""
    return _first(facts, (_enabled, _state, _latch, _mode, _reading, _memory))


def check_market(order: Open, facts: AccountFacts, market: MarketFacts) -> Denial | None:
    """Whether this open fits the market as it is quoted now."""
    if facts.account.limits.stop_loss_mandatory and order.stop_loss is None:
        return _deny(_R.STOP_LOSS_MISSING)
    instrument, quote = market.instrument, market.quote
    if instrument is None:
        return _deny(_R.SYMBOL_UNKNOWN, symbol=order.symbol)
    if not _side_allowed(order.side, instrument):
        return _deny(_R.SYMBOL_CLOSED, symbol=instrument.symbol, side=order.side)
    if quote is None:
        return _deny(_R.QUOTE_STALE, symbol=instrument.symbol, quote="none")
    return (
        _quote_fresh(facts, quote)
        or _spread(facts, quote, instrument)
        or _entry_price(order, quote, instrument)
        or check_levels(order, quote, instrument)
    )


def check_levels(order: Open, quote: Quote, instrument: Instrument) -> Denial | None:
    """Whether stop and targets stand on their sides and far enough away."""
    reference = level_reference(order, quote)
    if order.stop_loss is not None and not level_fits(
        order.side, reference, order.stop_loss, instrument, gain=False
    ):
        return _level(_R.STOP_LOSS_INVALID, order.stop_loss, reference, instrument)
    for target in order.take_profits:
        if target.price is not None and not level_fits(
            order.side, reference, target.price, instrument, gain=True
        ):
            return _level(_R.TAKE_PROFIT_INVALID, target.price, reference, instrument)
    return None


def check_sized(
    facts: AccountFacts, instrument: Instrument, entry: Decimal, sized: SizedFacts
) -> Denial | None:
    """Whether an order of this volume may be added to what the account holds."""
    return (
        _volume(facts.account, instrument, sized)
        or _positions(facts.account, sized)
        or _margin(facts, instrument, entry, sized)
        or _shadow(facts, entry, sized)
    )


def margin_needed(volume: Decimal, entry: Decimal, instrument: Instrument, leverage: int) -> Decimal:
    """Margin in account currency: the value of the order by tick size and tick value, over the leverage."""
    value = entry / instrument.tick_size * instrument.tick_value * volume
    return value / max(leverage, 1)


def _first(facts: AccountFacts, checks: tuple[Callable[[AccountFacts], Denial | None], ...]) -> Denial | None:
    return next((denial for check in checks if (denial := check(facts)) is not None), None)


def _enabled(facts: AccountFacts) -> Denial | None:
    return None if facts.account.enabled else _deny(_R.DISABLED)


def _state(facts: AccountFacts) -> Denial | None:
    if facts.state is TradingState.HALTED:
        return _deny(_R.HALTED)
    return _deny(_R.REDUCING) if facts.state is TradingState.REDUCING else None


def _latch(facts: AccountFacts) -> Denial | None:
    return _deny(_R.HALTED, latch="bridge") if facts.health.latched else None


def _mode(facts: AccountFacts) -> Denial | None:
    shown, wanted = facts.health.mode, facts.account.mode
    return None if shown is wanted else _deny(_R.MODE_MISMATCH, configured=wanted, terminal=str(shown))


def _reading(facts: AccountFacts) -> Denial | None:
    why = why_blind(facts.reading, facts.now, facts.account.limits.reading_age_s_max)
    return None if why is None else _deny(_R.READING_STALE, why=why)


def _memory(facts: AccountFacts) -> Denial | None:
    return None if facts.has_memory else _deny(_R.MEMORY_MISSING)


def _side_allowed(side: Side, instrument: Instrument) -> bool:
    allowed = instrument.trade_allowed_buy if side is Side.BUY else instrument.trade_allowed_sell
    return allowed and not instrument.close_only


def _quote_fresh(facts: AccountFacts, quote: Quote) -> Denial | None:
    if quote.bid <= 0 or quote.ask < quote.bid:
        return _deny(_R.QUOTE_STALE, bid=quote.bid, ask=quote.ask)
    age_s, limit = quote.age_s(facts.now), facts.account.limits.quote_age_s_max
    return _deny(_R.QUOTE_STALE, age_s=f"{age_s:.1f}", age_s_max=limit) if age_s > limit else None


def _spread(facts: AccountFacts, quote: Quote, instrument: Instrument) -> Denial | None:
    points, limit = spread_points(quote, instrument), facts.account.limits.spread_points_max
    return _deny(_R.SPREAD_TOO_WIDE, points=points, points_max=limit) if points > limit else None


def _entry_price(order: Open, quote: Quote, instrument: Instrument) -> Denial | None:
    if order.price is None:
        return None
    if order.entry is Entry.MARKET:
        return _moved(order, order.price, quote)
    return _resting_price(order, order.price, quote, instrument)


def _moved(order: Open, price: Decimal, quote: Quote) -> Denial | None:
    """A better price than asked for is always taken."""
    market = quote.entry_price(order.side)
    worse = market - price if order.side is Side.BUY else price - market
    if order.tolerance is None or worse <= order.tolerance:
        return None
    return _deny(_R.PRICE_MOVED, price=price, market=market, tolerance=order.tolerance)


def _resting_price(order: Open, price: Decimal, quote: Quote, instrument: Instrument) -> Denial | None:
    """Limits rest on the better side of the market, stops on the worse, each the stops level away."""
    if not on_tick(price, instrument.tick_size):
        return _deny(_R.PRICE_INVALID, price=price, tick_size=instrument.tick_size)
    market = quote.entry_price(order.side)
    below = (order.side is Side.BUY) is (order.entry is Entry.LIMIT)
    room = market - price if below else price - market
    if room > 0 and room >= stops_distance(instrument):
        return None
    return _deny(
        _R.PRICE_INVALID, price=price, market=market, stops_level_points=instrument.stops_level_points
    )


def _volume(account: Account, instrument: Instrument, sized: SizedFacts) -> Denial | None:
    volume = sized.volume
    if volume < instrument.volume_min or volume % instrument.volume_step != 0:
        return _deny(
            _R.VOLUME_BELOW_MIN,
            lots=volume,
            volume_min=instrument.volume_min,
            volume_step=instrument.volume_step,
        )
    limit = min(instrument.volume_max, account.limits.volume_lots_max)
    if volume > limit:
        return _deny(_R.VOLUME_ABOVE_MAX, lots=volume, lots_max=limit)
    if sized.volume_right_max is not None and sized.signal_volume > sized.volume_right_max:
        return _deny(_R.RIGHT_MISSING, lots=sized.signal_volume, lots_max=sized.volume_right_max)
    return None


def _positions(account: Account, sized: SizedFacts) -> Denial | None:
    limit = account.limits.positions_max
    return _deny(_R.POSITIONS_MAX, held=sized.held, positions_max=limit) if sized.held >= limit else None


def _margin(facts: AccountFacts, instrument: Instrument, entry: Decimal, sized: SizedFacts) -> Denial | None:
    reading = facts.reading
    needed = margin_needed(sized.volume, entry, instrument, reading.leverage)
    left_percent = (reading.margin_free - needed) * _PERCENT / reading.equity
    limit = facts.account.limits.margin_free_percent_min
    if left_percent >= limit:
        return None
    return _deny(_R.MARGIN_TOO_SMALL, free_percent_left=f"{left_percent:.2f}", free_percent_min=limit)


def _shadow(facts: AccountFacts, entry: Decimal, sized: SizedFacts) -> Denial | None:
    if not facts.account.shadow:
        return None
    return _deny(_R.SHADOW, lots=sized.volume, price=entry, equity=facts.reading.equity)


def _level(reason: DenialReason, level: Decimal, reference: Decimal, instrument: Instrument) -> Denial:
    return _deny(reason, level=level, market=reference, stops_level_points=instrument.stops_level_points)


def _deny(reason: DenialReason, **numbers: object) -> Denial:
    return Denial(reason=reason, numbers={name: str(value) for name, value in numbers.items()})
