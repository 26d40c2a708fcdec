"""A symbol as `symbol_info` shows it."""

from typing import Any

from mt5fleet.simulator.accounts.money import NoRateError, price_worth
from mt5fleet.simulator.accounts.rows import ZERO
from mt5fleet.simulator.dropin.MetaTrader5._fields import SYMBOL_INFO_FIELDS
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.symbol import NEVER

_NO_WEEKDAY = 7
"""What real terminals show for a symbol without a triple day."""

_TEXT_FIELDS = frozenset(
    {"basis", "category", "bank", "exchange", "formula", "isin", "page", "description", "path"}
)
_WHOLE_FIELDS = frozenset(
    {
        *("session_deals", "session_buy_orders", "session_sell_orders", "volume", "volumehigh", "volumelow"),
        *("time", "ticks_bookdepth", "start_time", "expiration_time", "order_gtc_mode"),
        *("option_mode", "option_right", "chart_mode", "swap_mode", "swap_rollover3days", "spread"),
    }
)
_FLAG_FIELDS = frozenset({"custom", "margin_hedged_use_leg"})


def symbol_row(market: Market, spec: SymbolSpec, terms: AccountTerms, *, selected: bool) -> list[Any]:
    """Return the 96 values in the vendor's order; what the simulator does not have is zero."""
    known = _terms(spec) | _prices(market, spec) | _tick_values(market, spec, terms)
    known |= {"select": selected, "visible": selected}
    return [known.get(name, _empty(name)) for name in SYMBOL_INFO_FIELDS]


def _empty(name: str) -> str | int | float | bool:
    if name in _TEXT_FIELDS:
        return ""
    if name in _FLAG_FIELDS:
        return False
    return 0 if name in _WHOLE_FIELDS else 0.0


def _terms(spec: SymbolSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "description": spec.description,
        "path": spec.path,
        "currency_base": spec.base,
        "currency_profit": spec.profit,
        "currency_margin": spec.margin,
        "digits": spec.digits,
        "point": float(spec.point),
        "spread_float": True,
        "trade_calc_mode": int(spec.calc_mode),
        "trade_mode": int(spec.trade_mode),
        "trade_exemode": int(spec.execution),
        "trade_stops_level": spec.stops_level_points,
        "trade_freeze_level": spec.freeze_level_points,
        "trade_tick_size": float(spec.tick_size),
        "trade_contract_size": float(spec.contract_size),
        "expiration_mode": spec.expiration_mask,
        "filling_mode": spec.filling_mask,
        "order_mode": spec.order_mask,
        "volume_min": float(spec.volume_min_lots),
        "volume_max": float(spec.volume_max_lots),
        "volume_step": float(spec.volume_step_lots),
        "volume_limit": float(spec.volume_limit_lots),
        "ticks_bookdepth": spec.depth_levels,
    } | _costs(spec)


def _costs(spec: SymbolSpec) -> dict[str, Any]:
    return {
        "swap_mode": int(spec.swap_mode),
        "swap_long": float(spec.swap_long),
        "swap_short": float(spec.swap_short),
        "swap_rollover3days": _NO_WEEKDAY if spec.swap_triple_day == NEVER else spec.swap_triple_day.number,
        "margin_initial": float(spec.margin_initial),
        "margin_maintenance": float(spec.margin_maintenance),
        "margin_hedged": float(spec.margin_hedged),
        "margin_hedged_use_leg": spec.margin_hedged_use_leg,
    }


def _prices(market: Market, spec: SymbolSpec) -> dict[str, Any]:
    quote, day = market.quote(spec.name), market.board.day_range(spec.name)
    if quote is None or day is None:
        return {}
    return {
        "time": quote.time_ms // MS_PER_S,
        "bid": float(quote.bid),
        "ask": float(quote.ask),
        "spread": int((quote.ask - quote.bid) / spec.point),
        "bidhigh": float(day.bid_high),
        "bidlow": float(day.bid_low),
        "askhigh": float(day.ask_high),
        "asklow": float(day.ask_low),
    }


def _tick_values(market: Market, spec: SymbolSpec, terms: AccountTerms) -> dict[str, Any]:
    tick_worth = spec.tick_size * price_worth(spec)
    try:
        gain = market.money.received(tick_worth, spec.profit, terms.currency)
        loss = -market.money.received(-tick_worth, spec.profit, terms.currency)
    except NoRateError:
        gain = loss = ZERO
    return {
        "trade_tick_value": float(gain),
        "trade_tick_value_profit": float(gain),
        "trade_tick_value_loss": float(loss),
    }
