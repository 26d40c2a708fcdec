import pytest

from mt5fleet.adapters.bridge.operations import OPERATIONS
from mt5fleet.bridge.rates import BUCKETS_MAX, Rates
from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.testing.clock import ManualClock

LIMITS = BridgeLimits(calls_per_s_max=10, calls_burst_max=5, opens_per_minute_max=60)
OFTEN = 100


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def passed(rates: Rates, operation: str, count: int, peer: str = "p", account: str = "alpha") -> int:
    return sum(rates.refusal(operation, peer, account) == "" for _ in range(count))


@pytest.mark.parametrize("operation", ["latch", "close", "cancel"])
def test_what_reduces_risk_is_never_limited(clock: ManualClock, operation: str) -> None:
    rates = Rates(LIMITS, clock)
    assert passed(rates, "quote", OFTEN) == LIMITS.calls_burst_max
    assert passed(rates, "submit", OFTEN, peer="q") == LIMITS.calls_burst_max
    assert passed(rates, operation, OFTEN) == OFTEN


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - {"latch", "close", "cancel"}))
def test_every_other_call_is_counted_per_peer_and_account(clock: ManualClock, operation: str) -> None:
    rates = Rates(LIMITS, clock)
    assert passed(rates, operation, OFTEN) == LIMITS.calls_burst_max
    assert passed(rates, operation, OFTEN, peer="another") == LIMITS.calls_burst_max
    assert passed(rates, operation, OFTEN, account="beta") == LIMITS.calls_burst_max


def test_a_loop_of_reads_does_not_stop_the_reads_of_the_owner(clock: ManualClock) -> None:
    rates = Rates(LIMITS, clock)
    passed(rates, "positions", OFTEN)
    owners = [rates.refusal("positions", "p", "alpha", is_owner=True) for _ in range(OFTEN)]
    assert owners.count("") == LIMITS.calls_burst_max


def test_a_peer_that_waits_may_ask_again(clock: ManualClock) -> None:
    rates = Rates(LIMITS, clock)
    passed(rates, "quote", OFTEN)
    clock.advance_s(0.3)
    assert passed(rates, "quote", OFTEN) == 3
    clock.advance_s(3600)
    assert passed(rates, "quote", OFTEN) == LIMITS.calls_burst_max


@pytest.mark.parametrize("operation", ["submit", "modify"])
def test_opens_and_modifies_of_an_account_are_counted_whoever_asks(
    clock: ManualClock, operation: str
) -> None:
    rates = Rates(BridgeLimits(opens_per_minute_max=60), clock)
    assert sum(passed(rates, operation, 10, peer=f"peer-{number}") for number in range(10)) == 60
    assert passed(rates, operation, 10, account="beta") == 10
    clock.advance_s(1)
    assert passed(rates, operation, 10) == 1


@pytest.mark.parametrize("operation", ["resolve", "unlatch", "check", "quote", "health"])
def test_what_opens_nothing_does_not_count_as_an_open(clock: ManualClock, operation: str) -> None:
    rates = Rates(BridgeLimits(opens_per_minute_max=1), clock)
    assert passed(rates, "submit", 2) == 1
    assert passed(rates, operation, 50) == 50


def test_a_refusal_names_the_limit(clock: ManualClock) -> None:
    rates = Rates(BridgeLimits(calls_burst_max=2, opens_per_minute_max=1), clock)
    passed(rates, "submit", 1)
    assert "limits.opens_per_minute_max" in rates.refusal("submit", "p", "alpha")
    assert "limits.calls_per_s_max" in rates.refusal("quote", "p", "alpha")


def test_only_so_many_peers_are_remembered_and_a_busy_one_is_not_forgotten(clock: ManualClock) -> None:
    rates = Rates(LIMITS, clock)
    for number in range(2 * BUCKETS_MAX):
        rates.refusal("quote", "busy", "alpha")
        rates.refusal("quote", f"peer-{number}", "alpha")
    assert len(rates._calls) == BUCKETS_MAX
    assert rates.refusal("quote", "busy", "alpha") != ""
