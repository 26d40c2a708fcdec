"""Slots, shares and repeated calls of the account pool."""

import threading

import pytest

from workers.pool import AccountPool

WAIT_S = 10.0


class Gate:
    """Work that tells when it began and ends when it may."""

    def __init__(self) -> None:
        self._begun: dict[str, threading.Event] = {}
        self._may_end: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self.runs: list[str] = []

    def __call__(self, account: str) -> str:
        with self._lock:
            self.runs.append(account)
        self._event(self._begun, account).set()
        assert self._event(self._may_end, account).wait(WAIT_S)
        return f"done {account}"

    def wait_begun(self, *accounts: str) -> None:
        for account in accounts:
            assert self._event(self._begun, account).wait(WAIT_S), f"{account} never began"

    def has_begun(self, account: str) -> bool:
        return self._event(self._begun, account).is_set()

    def end(self, *accounts: str) -> None:
        for account in accounts:
            self._event(self._may_end, account).set()

    def _event(self, events: dict[str, threading.Event], account: str) -> threading.Event:
        with self._lock:
            return events.setdefault(account, threading.Event())


def pool_of(slots: int, urgent: int = 1, bridges: int = 1) -> AccountPool[str]:
    return AccountPool(slots=slots, urgent_slots=urgent, bridges=lambda: bridges)


def one_bridge(_account: str) -> str:
    return "local"


def named_bridge(account: str) -> str:
    return account.partition(".")[0]


def test_every_account_gets_its_own_result() -> None:
    pool = pool_of(2)

    futures = pool.start(("a", "b", "c"), str.upper, bridge_of=one_bridge, urgent=False)

    assert {name: future.result(WAIT_S) for name, future in futures.items()} == {"a": "A", "b": "B", "c": "C"}


def test_normal_work_leaves_the_urgent_slot_free() -> None:
    pool, gate = pool_of(slots=2, urgent=1), Gate()
    pool.start(("a", "b", "c"), gate, bridge_of=one_bridge, urgent=False)
    gate.wait_begun("a", "b")

    pool.start(("u",), gate, bridge_of=one_bridge, urgent=True)

    gate.wait_begun("u")
    assert not gate.has_begun("c")
    gate.end("a", "b", "c", "u")


def test_urgent_work_goes_before_normal_work_that_waited_longer() -> None:
    pool, gate = pool_of(slots=1, urgent=1), Gate()
    pool.start(("a",), gate, bridge_of=one_bridge, urgent=False)
    pool.start(("u",), gate, bridge_of=one_bridge, urgent=True)
    gate.wait_begun("a", "u")
    pool.start(("b",), gate, bridge_of=one_bridge, urgent=False)
    pool.start(("v",), gate, bridge_of=one_bridge, urgent=True)

    gate.end("a")

    gate.wait_begun("v")
    assert not gate.has_begun("b")
    gate.end("u", "v", "b")


def test_one_of_several_bridges_holds_half_of_the_slots_at_most() -> None:
    pool, gate = pool_of(slots=3, urgent=1, bridges=2), Gate()
    pool.start(("x.1", "x.2", "x.3"), gate, bridge_of=named_bridge, urgent=False)
    gate.wait_begun("x.1", "x.2")

    pool.start(("y.1",), gate, bridge_of=named_bridge, urgent=False)

    gate.wait_begun("y.1")
    assert not gate.has_begun("x.3")
    gate.end("x.1", "x.2", "x.3", "y.1")


def test_account_that_runs_is_not_run_beside_itself_but_after_itself() -> None:
    pool, gate = pool_of(slots=3), Gate()
    first = pool.start(("a",), gate, bridge_of=one_bridge, urgent=False)
    gate.wait_begun("a")

    second = pool.start(("a",), gate, bridge_of=one_bridge, urgent=False)
    third = pool.start(("a",), gate, bridge_of=one_bridge, urgent=False)

    assert pool.busy() == ("a",)
    assert gate.runs == ["a"]
    gate.end("a")
    assert second["a"] is third["a"]
    assert (first["a"].result(WAIT_S), second["a"].result(WAIT_S)) == ("done a", "done a")
    assert gate.runs == ["a", "a"]


def test_failure_of_one_account_is_told_to_its_caller_and_frees_the_slot() -> None:
    pool = pool_of(slots=1)

    def work(account: str) -> str:
        if account == "a":
            raise LookupError("no a")
        return account

    futures = pool.start(("a", "b"), work, bridge_of=one_bridge, urgent=False)

    with pytest.raises(LookupError, match="no a"):
        futures["a"].result(WAIT_S)
    assert futures["b"].result(WAIT_S) == "b"


def test_many_accounts_run_in_no_more_threads_than_slots() -> None:
    pool, most, now, lock = pool_of(slots=3, urgent=1), [0], [0], threading.Lock()

    def work(account: str) -> str:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1
        return account

    names = tuple(f"a{number}" for number in range(200))
    futures = pool.start(names, work, bridge_of=one_bridge, urgent=False)

    assert [future.result(WAIT_S) for future in futures.values()] == list(names)
    assert most[0] <= 3
