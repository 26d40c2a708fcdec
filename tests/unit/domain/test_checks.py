from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.account import Account, Limits, TradingState
from mt5fleet.domain.broker import Instrument, Mode, Quote
from mt5fleet.domain.checks import (
    AccountFacts,
    MarketFacts,
    SizedFacts,
    check_account,
    check_market,
    check_sized,
    margin_needed,
)
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.signal import Entry, Open, Side
from mt5fleet.testing.builders import START, make_account, make_health, make_open, make_quote, make_reading
from mt5fleet.testing.fake_broker import fake_instrument

R = DenialReason
EURUSD = fake_instrument("EURUSD")
FAR = replace(EURUSD, stops_level_points=50)


def facts(**changes: object) -> AccountFacts:
    usual = AccountFacts(
        account=make_account(),
        state=TradingState.ACTIVE,
        has_memory=True,
        health=make_health(),
        reading=make_reading(),
        now=START,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # names checked by replace


def reason(denial: Denial | None) -> DenialReason | None:
    return None if denial is None else denial.reason


def limited(**limits: object) -> Account:
    return make_account(limits=replace(Limits(), **limits))  # type: ignore[arg-type]  # names checked by replace


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"account": replace(make_account(), enabled=False)}, R.DISABLED),
        ({"state": TradingState.HALTED}, R.HALTED),
        ({"state": TradingState.REDUCING}, R.REDUCING),
        ({"health": make_health(latched=True)}, R.HALTED),
        ({"health": make_health(mode=Mode.REAL)}, R.MODE_MISMATCH),
        ({"health": make_health(mode=None)}, R.MODE_MISMATCH),
        ({"now": START + timedelta(seconds=10)}, None),
        ({"now": START + timedelta(seconds=10.1)}, R.READING_STALE),
        ({"now": START - timedelta(seconds=6)}, R.READING_STALE),
        ({"reading": make_reading(equity="NaN")}, R.READING_STALE),
        ({"reading": make_reading(equity="0")}, R.READING_STALE),
        ({"reading": make_reading(equity="-1")}, R.READING_STALE),
        ({"has_memory": False}, R.MEMORY_MISSING),
    ],
)
def test_account_check(changes: dict[str, object], expected: DenialReason | None) -> None:
    assert reason(check_account(facts(**changes))) is expected


def test_first_refusal_in_the_stated_order_wins() -> None:
    everything_wrong = facts(
        account=replace(make_account(), enabled=False, shadow=True),
        state=TradingState.HALTED,
        health=make_health(mode=None),
        has_memory=False,
    )

    assert reason(check_account(everything_wrong)) is R.DISABLED


def market(
    opening: Open, *, instrument: Instrument | None = EURUSD, quote: Quote | None = None, none: bool = False
) -> DenialReason | None:
    shown = None if none else (make_quote() if quote is None else quote)
    return reason(check_market(opening, facts(), MarketFacts(instrument=instrument, quote=shown)))


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (make_open(), None),
        (make_open(stop_loss=None), R.STOP_LOSS_MISSING),
        (make_open(stop_loss="1.10000"), R.STOP_LOSS_INVALID),
        (make_open(stop_loss="1.09999"), None),
        (make_open(take_profit="1.10000"), R.TAKE_PROFIT_INVALID),
        (make_open(take_profit=None), None),
        (make_open(side=Side.SELL, stop_loss="1.10010", take_profit="1.09"), R.STOP_LOSS_INVALID),
        (make_open(side=Side.SELL, stop_loss="1.10011", take_profit="1.09"), None),
        (make_open(side=Side.SELL, stop_loss="1.11", take_profit="1.11"), R.TAKE_PROFIT_INVALID),
    ],
)
def test_levels_stand_on_their_side_of_the_closing_price(
    opening: Open, expected: DenialReason | None
) -> None:
    assert market(opening) is expected


@pytest.mark.parametrize(("stop_loss", "expected"), [("1.09951", R.STOP_LOSS_INVALID), ("1.09950", None)])
def test_levels_keep_the_brokers_distance(stop_loss: str, expected: DenialReason | None) -> None:
    assert market(make_open(stop_loss=stop_loss), instrument=FAR) is expected


@pytest.mark.parametrize(
    ("price", "tolerance", "expected"),
    [
        ("1.10010", "0.00000001", None),
        ("1.10000", "0.00010", None),
        ("1.10000", "0.00009", R.PRICE_MOVED),
        ("1.20000", "0.00001", None),
    ],
)
def test_market_order_takes_a_worse_price_up_to_its_tolerance(
    price: str, tolerance: str, expected: DenialReason | None
) -> None:
    opening = replace(make_open(take_profit="1.30000"), price=Decimal(price), tolerance=Decimal(tolerance))

    assert market(opening) is expected


@pytest.mark.parametrize(
    ("side", "entry", "price", "expected"),
    [
        (Side.BUY, Entry.LIMIT, "1.10010", R.PRICE_INVALID),
        (Side.BUY, Entry.LIMIT, "1.09959", None),
        (Side.BUY, Entry.LIMIT, "1.09961", R.PRICE_INVALID),
        (Side.BUY, Entry.STOP, "1.10060", None),
        (Side.BUY, Entry.STOP, "1.10059", R.PRICE_INVALID),
        (Side.SELL, Entry.LIMIT, "1.10050", None),
        (Side.SELL, Entry.LIMIT, "1.10049", R.PRICE_INVALID),
        (Side.SELL, Entry.STOP, "1.09950", None),
        (Side.SELL, Entry.STOP, "1.09951", R.PRICE_INVALID),
        (Side.BUY, Entry.LIMIT, "1.099501", R.PRICE_INVALID),
    ],
)
def test_resting_order_stands_on_its_side_and_on_the_tick(
    side: Side, entry: Entry, price: str, expected: DenialReason | None
) -> None:
    stop, target = ("1.08", "1.13") if side is Side.BUY else ("1.13", "1.08")
    opening = make_open(side=side, entry=entry, price=price, stop_loss=stop, take_profit=target)

    assert market(opening, instrument=FAR) is expected


@pytest.mark.parametrize(("age_s", "expected"), [(30, None), (30.1, R.QUOTE_STALE)])
def test_old_quote_is_refused(age_s: float, expected: DenialReason | None) -> None:
    assert market(make_open(), quote=make_quote(at=START - timedelta(seconds=age_s))) is expected


@pytest.mark.parametrize(
    ("ask", "expected"), [("1.10500", None), ("1.10501", R.SPREAD_TOO_WIDE), ("1.09999", R.QUOTE_STALE)]
)
def test_wide_and_crossed_quotes_are_refused(ask: str, expected: DenialReason | None) -> None:
    assert market(make_open(), quote=make_quote(ask=ask)) is expected


@pytest.mark.parametrize(
    ("instrument", "expected"),
    [
        (None, R.SYMBOL_UNKNOWN),
        (replace(EURUSD, trade_allowed_buy=False), R.SYMBOL_CLOSED),
        (replace(EURUSD, trade_allowed_sell=False), None),
        (replace(EURUSD, close_only=True), R.SYMBOL_CLOSED),
    ],
)
def test_symbol_rules_are_kept(instrument: Instrument | None, expected: DenialReason | None) -> None:
    assert market(make_open(), instrument=instrument) is expected


def test_missing_quote_is_refused() -> None:
    assert market(make_open(), none=True) is R.QUOTE_STALE


def sized(
    volume: str, *, account: Account | None = None, held: int = 0, right: str | None = None, total: str = ""
) -> DenialReason | None:
    one = SizedFacts(
        volume=Decimal(volume),
        signal_volume=Decimal(total or volume),
        volume_right_max=None if right is None else Decimal(right),
        held=held,
    )
    known = facts() if account is None else facts(account=account)
    return reason(check_sized(known, EURUSD, Decimal("1.10000"), one))


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("0.01", None),
        ("0.009", R.VOLUME_BELOW_MIN),
        ("0.015", R.VOLUME_BELOW_MIN),
        ("0.50", None),
        ("0.51", R.VOLUME_ABOVE_MAX),
    ],
)
def test_volume_fits_broker_and_account(volume: str, expected: DenialReason | None) -> None:
    assert sized(volume, account=limited(volume_lots_max=Decimal("0.50"))) is expected


def test_brokers_largest_volume_is_kept() -> None:
    wide = limited(volume_lots_max=Decimal(1000))

    assert sized("100.01", account=wide) is R.VOLUME_ABOVE_MAX


@pytest.mark.parametrize(("total", "expected"), [("0.20", None), ("0.21", R.RIGHT_MISSING)])
def test_producers_volume_right_covers_all_parts(total: str, expected: DenialReason | None) -> None:
    assert sized("0.10", right="0.20", total=total) is expected


@pytest.mark.parametrize(("held", "expected"), [(49, None), (50, R.POSITIONS_MAX)])
def test_number_of_positions_is_limited(held: int, expected: DenialReason | None) -> None:
    assert sized("0.01", held=held) is expected


def test_margin_is_the_orders_value_over_the_leverage() -> None:
    assert margin_needed(Decimal(1), Decimal("1.10000"), EURUSD, 100) == Decimal(1100)


@pytest.mark.parametrize(("volume", "expected"), [("8.18", None), ("8.19", R.MARGIN_TOO_SMALL)])
def test_margin_left_after_the_order_keeps_its_share(volume: str, expected: DenialReason | None) -> None:
    """8.18 lots need 8,998 of 10,000 and leave 10.02 %; 8.19 leave 9.91 %."""
    assert sized(volume) is expected


def test_shadow_is_the_last_refusal() -> None:
    shadow = replace(make_account(), shadow=True)

    assert sized("0.10", account=shadow) is R.SHADOW
    assert sized("0.10", account=shadow, held=50) is R.POSITIONS_MAX
