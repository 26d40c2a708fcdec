"""Questions that change nothing: names, argument rules, shapes of answers, terms and checks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mt5fleet.simulator.comparing.asking import Asker
from mt5fleet.simulator.comparing.describing import TYPES, VALUES, Described, Focus, Vendor

NO_SYMBOL = "NO.SUCH.SYMBOL"
NO_TICKET = 1
DAY_S = 86_400
HISTORY_DAYS = 30

ACCOUNT_TERMS = Focus(
    exact={
        *("trade_mode", "leverage", "limit_orders", "margin_so_mode", "trade_allowed", "trade_expert"),
        *("margin_mode", "currency_digits", "fifo_close", "margin_so_call", "margin_so_so", "currency"),
    }
)
SYMBOL_TERMS = Focus(
    exact={
        *(
            "custom",
            "chart_mode",
            "digits",
            "spread_float",
            "ticks_bookdepth",
            "trade_calc_mode",
            "trade_mode",
        ),
        *("trade_stops_level", "trade_freeze_level", "trade_exemode", "swap_mode", "swap_rollover3days"),
        *(
            "margin_hedged_use_leg",
            "expiration_mode",
            "filling_mode",
            "order_mode",
            "order_gtc_mode",
            "point",
        ),
        *(
            "trade_tick_size",
            "trade_contract_size",
            "volume_min",
            "volume_max",
            "volume_step",
            "volume_limit",
        ),
        *("swap_long", "swap_short", "margin_initial", "margin_maintenance", "margin_hedged"),
        *("currency_base", "currency_profit", "currency_margin", "name"),
    }
)
CHECK = Focus(exact={"retcode", "comment"})
COUNTED = Focus(rows=True)

Call = Callable[[Vendor], Vendor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked about: a symbol, its quote and the terminal's clock."""

    symbol: str
    point: float
    digits: int
    volume: float
    bid: float
    ask: float
    now_s: int
    filling: int
    distance: float

    def price(self, value: float) -> float:
        """Return a price with the symbol's digits."""
        return round(value, self.digits)


def ask_everything_harmless(asker: Asker, subject: Subject) -> None:
    """Ask all that neither trades nor changes the terminal."""
    _ask_surface(asker)
    for question, call in _arguments(subject.symbol).items():
        asker.ask("arguments", question, call, VALUES)
    for question, (call, focus) in _shapes(subject).items():
        asker.ask("shapes", question, call, focus)
    asker.ask("terms", "account_info()", lambda mt5: mt5.account_info(), ACCOUNT_TERMS)
    asker.ask("terms", "symbol_info(symbol)", lambda mt5: mt5.symbol_info(subject.symbol), SYMBOL_TERMS)
    for question, request in checked_requests(subject).items():
        asker.ask("checks", f"order_check: {question}", partial(_check, request), CHECK)


def _check(request: dict[str, Any], mt5: Vendor) -> Vendor:
    return mt5.order_check(request)


def _ask_surface(asker: Asker) -> None:
    public = {name: value for name, value in vars(asker.module).items() if not name.startswith("_")}
    asker.note("surface", "public names", {name: _named(value) for name, value in sorted(public.items())})


def _named(value: object) -> Described:
    if isinstance(value, type):
        return " ".join(value.__match_args__)  # type: ignore[attr-defined]  # struct sequences have it
    return type(value).__name__ if callable(value) else repr(value)


def _arguments(symbol: str) -> dict[str, Call]:
    whole = {"action": 1, "symbol": symbol, "volume": 0.01, "type": 0}
    return {**_refused_calls(symbol), **_refused_requests(whole)}


def _refused_calls(symbol: str) -> dict[str, Call]:
    return {
        "symbol_info()": lambda mt5: mt5.symbol_info(),
        "symbol_info(5)": lambda mt5: mt5.symbol_info(5),
        "symbol_info(symbol=)": lambda mt5: mt5.symbol_info(symbol=symbol),
        "symbol_info(30 letters)": lambda mt5: mt5.symbol_info("x" * 30),
        "symbol_select()": lambda mt5: mt5.symbol_select(),
        "symbols_get(5)": lambda mt5: mt5.symbols_get(5),
        "account_info(1)": lambda mt5: mt5.account_info(1),
        "login('5')": lambda mt5: mt5.login("5"),
        "login()": lambda mt5: mt5.login(),
        "login(-1)": lambda mt5: mt5.login(-1),
        "positions_get(5)": lambda mt5: mt5.positions_get(5),
        "positions_get(ticket='5')": lambda mt5: mt5.positions_get(ticket="5"),
        "positions_get(ticket=-1)": lambda mt5: mt5.positions_get(ticket=-1),
        "history_deals_get()": lambda mt5: mt5.history_deals_get(),
        "history_deals_get(date_from=, date_to=)": lambda mt5: mt5.history_deals_get(date_from=1, date_to=2),
        "history_deals_get('a', 2)": lambda mt5: mt5.history_deals_get("a", 2),
        "history_deals_get(1, 2**31)": lambda mt5: mt5.history_deals_get(1, 2**31),
        "history_deals_get(1, ticket=2)": lambda mt5: mt5.history_deals_get(1, ticket=2),
        "market_book_add(5)": lambda mt5: mt5.market_book_add(5),
        "copy_rates_from_pos(symbol, 'M1', 0, 1)": lambda mt5: mt5.copy_rates_from_pos(symbol, "M1", 0, 1),
        "copy_rates_from_pos(symbol, 1, 0)": lambda mt5: mt5.copy_rates_from_pos(symbol, 1, 0),
        "copy_ticks_from(symbol, None, 1, -1)": lambda mt5: mt5.copy_ticks_from(symbol, None, 1, -1),
        "order_calc_margin('0', symbol, 1.0, 1.0)": lambda mt5: mt5.order_calc_margin("0", symbol, 1.0, 1.0),
    }


def _refused_requests(whole: dict[str, Any]) -> dict[str, Call]:
    """Requests that the module itself refuses: nothing of them reaches a terminal."""
    nothing: dict[str, Any] = {}
    spoiled: dict[str, dict[str, Any]] = {
        "int volume": {"volume": 1},
        "None as price": {"price": None},
        "float type": {"type": 0.0},
        "text magic": {"magic": "7"},
        "negative magic": {"magic": -1},
        "comment of 30": {"comment": "x" * 30},
    }
    return {
        "order_send()": lambda mt5: mt5.order_send(),
        "order_send([])": lambda mt5: mt5.order_send([]),
        "order_send(request, **{})": lambda mt5: mt5.order_send(whole, **nothing),
        **{f"order_send: {name}": partial(_send, whole | changes) for name, changes in spoiled.items()},
    }


def _send(request: dict[str, Any], mt5: Vendor) -> Vendor:
    return mt5.order_send(request)


def _shapes(subject: Subject) -> dict[str, tuple[Call, Focus]]:
    return {
        **_symbol_shapes(subject.symbol),
        **_open_shapes(),
        **_calculation_shapes(subject),
        **_history_shapes(subject),
        **_bar_shapes(subject),
        **_tick_shapes(subject),
    }


def _symbol_shapes(symbol: str) -> dict[str, tuple[Call, Focus]]:
    return {
        "version()": (lambda mt5: mt5.version(), TYPES),
        "terminal_info()": (lambda mt5: mt5.terminal_info(), TYPES),
        "account_info()": (lambda mt5: mt5.account_info(), TYPES),
        "symbols_total()": (lambda mt5: mt5.symbols_total(), TYPES),
        "symbols_get(symbol)": (lambda mt5: mt5.symbols_get(symbol), COUNTED),
        "symbols_get(unknown)": (lambda mt5: mt5.symbols_get(NO_SYMBOL), TYPES),
        "symbol_info(unknown)": (lambda mt5: mt5.symbol_info(NO_SYMBOL), TYPES),
        "symbol_info_tick(symbol)": (lambda mt5: mt5.symbol_info_tick(symbol), TYPES),
        "symbol_info_tick(unknown)": (lambda mt5: mt5.symbol_info_tick(NO_SYMBOL), TYPES),
        "symbol_select(unknown)": (lambda mt5: mt5.symbol_select(NO_SYMBOL), TYPES),
        "market_book_get(never added)": (lambda mt5: mt5.market_book_get(symbol), TYPES),
        "market_book_add(unknown)": (lambda mt5: mt5.market_book_add(NO_SYMBOL), TYPES),
    }


def _open_shapes() -> dict[str, tuple[Call, Focus]]:
    return {
        "positions_total()": (lambda mt5: mt5.positions_total(), TYPES),
        "positions_get(ticket=unknown)": (lambda mt5: mt5.positions_get(ticket=NO_TICKET), TYPES),
        "positions_get(symbol=unknown)": (lambda mt5: mt5.positions_get(symbol=NO_SYMBOL), TYPES),
        "positions_get(group=unknown)": (lambda mt5: mt5.positions_get(group=NO_SYMBOL), TYPES),
        "orders_total()": (lambda mt5: mt5.orders_total(), TYPES),
        "orders_get(ticket=unknown)": (lambda mt5: mt5.orders_get(ticket=NO_TICKET), TYPES),
    }


def _calculation_shapes(subject: Subject) -> dict[str, tuple[Call, Focus]]:
    symbol = subject.symbol
    return {
        "order_calc_margin(unknown)": (lambda mt5: mt5.order_calc_margin(0, NO_SYMBOL, 1.0, 1.0), TYPES),
        "order_calc_margin(symbol)": (lambda mt5: mt5.order_calc_margin(0, symbol, 1.0, subject.ask), TYPES),
        "order_calc_margin(type 9)": (lambda mt5: mt5.order_calc_margin(9, symbol, 1.0, subject.ask), TYPES),
        "order_calc_margin(no volume)": (
            lambda mt5: mt5.order_calc_margin(0, symbol, 0.0, subject.ask),
            TYPES,
        ),
        "order_calc_profit(symbol)": (
            lambda mt5: mt5.order_calc_profit(0, symbol, 1.0, subject.bid, subject.ask),
            TYPES,
        ),
    }


def _history_shapes(subject: Subject) -> dict[str, tuple[Call, Focus]]:
    since, until = subject.now_s - HISTORY_DAYS * DAY_S, subject.now_s + DAY_S
    return {
        "history_deals_total(month)": (lambda mt5: mt5.history_deals_total(since, until), TYPES),
        "history_orders_total(month)": (lambda mt5: mt5.history_orders_total(since, until), TYPES),
        "history_deals_get(until < since)": (lambda mt5: mt5.history_deals_get(until, since), TYPES),
        "history_deals_get(ticket=unknown)": (lambda mt5: mt5.history_deals_get(ticket=NO_TICKET), TYPES),
        "history_deals_get(position=unknown)": (lambda mt5: mt5.history_deals_get(position=NO_TICKET), TYPES),
        "history_orders_get(ticket=unknown)": (lambda mt5: mt5.history_orders_get(ticket=NO_TICKET), TYPES),
        "history_orders_get(group=unknown)": (
            lambda mt5: mt5.history_orders_get(since, until, group=NO_SYMBOL),
            TYPES,
        ),
    }


def _bar_shapes(subject: Subject) -> dict[str, tuple[Call, Focus]]:
    name, now_s = subject.symbol, subject.now_s
    return {
        "copy_rates_from_pos(10)": (lambda mt5: mt5.copy_rates_from_pos(name, 1, 0, 10), COUNTED),
        "copy_rates_from_pos(count 0)": (lambda mt5: mt5.copy_rates_from_pos(name, 1, 0, 0), COUNTED),
        "copy_rates_from_pos(count -1)": (lambda mt5: mt5.copy_rates_from_pos(name, 1, 0, -1), COUNTED),
        "copy_rates_from_pos(start -1)": (lambda mt5: mt5.copy_rates_from_pos(name, 1, -1, 1), COUNTED),
        "copy_rates_from_pos(timeframe 7)": (lambda mt5: mt5.copy_rates_from_pos(name, 7, 0, 1), COUNTED),
        "copy_rates_from_pos(unknown)": (lambda mt5: mt5.copy_rates_from_pos(NO_SYMBOL, 1, 0, 1), COUNTED),
        "copy_rates_from(future)": (
            lambda mt5: mt5.copy_rates_from(name, 16385, now_s + 9 * DAY_S, 5),
            COUNTED,
        ),
        "copy_rates_from(1970)": (lambda mt5: mt5.copy_rates_from(name, 16385, 1, 5), COUNTED),
        "copy_rates_range(future)": (
            lambda mt5: mt5.copy_rates_range(name, 16385, now_s + 8 * DAY_S, now_s + 9 * DAY_S),
            COUNTED,
        ),
        "copy_rates_range(backwards)": (
            lambda mt5: mt5.copy_rates_range(name, 16385, now_s, now_s - DAY_S),
            COUNTED,
        ),
    }


def _tick_shapes(subject: Subject) -> dict[str, tuple[Call, Focus]]:
    name, now_s = subject.symbol, subject.now_s
    return {
        "copy_ticks_from(10)": (lambda mt5: mt5.copy_ticks_from(name, now_s - 7 * DAY_S, 10, -1), COUNTED),
        "copy_ticks_from(count 0)": (lambda mt5: mt5.copy_ticks_from(name, now_s - DAY_S, 0, -1), COUNTED),
        "copy_ticks_from(flags 9)": (lambda mt5: mt5.copy_ticks_from(name, now_s - DAY_S, 1, 9), COUNTED),
        "copy_ticks_range(future)": (
            lambda mt5: mt5.copy_ticks_range(name, now_s + 8 * DAY_S, now_s + 9 * DAY_S, -1),
            COUNTED,
        ),
    }


def checked_requests(subject: Subject) -> dict[str, dict[str, Any]]:
    """Return requests with one fault each, and one without."""
    far = subject.price(subject.bid - subject.distance)
    return {
        **_checked_deals(market_buy(subject), far, subject),
        **_checked_limits(buy_limit(subject), subject),
        "stops of an unknown position": {
            "action": 6,
            "position": NO_TICKET,
            "symbol": subject.symbol,
            "sl": far,
        },
        "change of an unknown order": {"action": 7, "order": NO_TICKET, "price": far},
        "removal of an unknown order": {"action": 8, "order": NO_TICKET},
        "close-by of unknown positions": {"action": 10, "position": NO_TICKET, "position_by": NO_TICKET + 1},
    }


def _checked_deals(buy: dict[str, Any], far: float, subject: Subject) -> dict[str, dict[str, Any]]:
    wrong = subject.price(subject.ask + subject.distance)
    return {
        "market buy": buy,
        "empty request": {},
        "unknown action": buy | {"action": 99},
        "unknown symbol": buy | {"symbol": NO_SYMBOL},
        "unknown type": buy | {"type": 99},
        "no volume": buy | {"volume": 0.0},
        "volume off the step": buy | {"volume": subject.volume * 1.5},
        "volume above the most": buy | {"volume": 1e9},
        "unknown filling": buy | {"type_filling": 9},
        "stop loss on the wrong side": buy | {"sl": wrong},
        "take profit on the wrong side": buy | {"tp": far},
        "close of an unknown position": buy | {"position": NO_TICKET},
    }


def _checked_limits(limit: dict[str, Any], subject: Subject) -> dict[str, dict[str, Any]]:
    wrong = subject.price(subject.ask + subject.distance)
    return {
        "limit order": limit,
        "limit on the wrong side": limit | {"price": wrong},
        "limit without a price": limit | {"price": 0.0},
        "limit off the tick": limit | {"price": limit["price"] + subject.point / 3},
        "limit that expired": limit | {"type_time": 2, "expiration": subject.now_s - DAY_S},
        "limit of an unknown time": limit | {"type_time": 9},
    }


def market_buy(subject: Subject) -> dict[str, Any]:
    """Return a deal of the smallest volume."""
    return {
        "action": 1,
        "symbol": subject.symbol,
        "volume": subject.volume,
        "type": 0,
        "price": subject.ask,
        "deviation": 50,
        "type_filling": subject.filling,
        "type_time": 0,
    }


def buy_limit(subject: Subject) -> dict[str, Any]:
    """Return a pending order far below the market."""
    return {
        "action": 5,
        "symbol": subject.symbol,
        "volume": subject.volume,
        "type": 2,
        "price": subject.price(subject.bid - subject.distance),
        "type_filling": 2,
        "type_time": 0,
    }
