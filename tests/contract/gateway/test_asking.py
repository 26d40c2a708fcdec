"""Questions that change nothing: the broker's dry run, and readings again and again."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from itertools import islice

import pytest

from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.order import OpenOrder
from tests.contract.gateway.rigs import ACCOUNT, Rig, key_of, limit, market


def asked(rig: Rig, **changes: object) -> OpenOrder:
    return replace(market(rig, key_of("asked")), **changes)  # type: ignore[arg-type]  # names checked by replace


def test_a_dry_run_that_passes_tells_the_margin_after_the_order(rig: Rig) -> None:
    check = rig.gateway.check(ACCOUNT, asked(rig))
    assert (check.passed, check.retcode) == (True, 0)
    assert check.margin > 0
    assert check.margin + check.margin_free == Decimal(10_000)


def test_a_dry_run_that_fails_names_what_does_not_fit(rig: Rig) -> None:
    check = rig.gateway.check(ACCOUNT, asked(rig, volume=Decimal(5000)))
    assert (check.passed, check.retcode) == (False, 10014)
    assert "volume" in check.sentence


def test_a_dry_run_needs_enough_margin(rig: Rig) -> None:
    check = rig.gateway.check(ACCOUNT, asked(rig, volume=Decimal(90)))
    assert (check.passed, check.retcode) == (False, 10019)
    assert "margin" in check.sentence


def test_a_resting_order_is_checked_too(rig: Rig) -> None:
    assert rig.gateway.check(ACCOUNT, limit(rig, key_of("asked"))).passed


def test_a_dry_run_sends_nothing_and_is_answered_while_halted(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 1, "drawdown")
    assert rig.gateway.check(ACCOUNT, asked(rig)).passed
    assert rig.gateway.positions(ACCOUNT) == ()
    assert rig.gateway.orders(ACCOUNT) == ()


def test_a_dry_run_of_an_unknown_symbol_names_the_field(rig: Rig) -> None:
    with pytest.raises(ValueRefused) as refused:
        rig.gateway.check(ACCOUNT, asked(rig, symbol="NOSUCH"))
    assert refused.value.field == "order.symbol"


def test_a_stream_gives_readings_until_the_caller_stops(rig: Rig) -> None:
    stream = rig.gateway.reading_stream((ACCOUNT, "nobody"), every_s=0.1)
    with closing(stream):
        seen = list(islice(stream, 3))
    mine = [readings[ACCOUNT] for readings in seen]
    assert all(isinstance(reading, Reading) and reading.equity == 10_000 for reading in mine)
    assert len({reading.at for reading in mine if isinstance(reading, Reading)}) == 3
    assert all("nobody" in str(readings["nobody"]) for readings in seen)
    assert rig.gateway.reading(ACCOUNT).equity == 10_000


def test_a_stream_is_no_word_from_the_ledger(rig: Rig) -> None:
    with closing(rig.gateway.reading_stream((ACCOUNT,), every_s=0.1)) as stream:
        next(stream)
    assert rig.gateway.health(ACCOUNT).ledger_age_s is None


@pytest.mark.parametrize("every_s", [0, 0.04, 61])
def test_a_stream_too_fast_or_too_slow_is_refused(rig: Rig, every_s: float) -> None:
    with pytest.raises(ValueRefused) as refused:
        next(rig.gateway.reading_stream((ACCOUNT,), every_s))
    assert refused.value.field == "every_s"
