"""The accounts one process works on at once: bounded, shared out, with slots kept free for urgent work.

Invariants: an account runs at most once at a time; normal work never takes an urgent slot; while the fleet
has several bridges, none of them holds more than half of the slots, so a slow one cannot stop the others.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mt5fleet.domain.errors import FleetError

T = TypeVar("T")

WAITING_MAX = 10_000  # accounts waiting for a slot: five times the largest fleet one signal can name


class PoolFull(FleetError):
    """Too many accounts wait for a slot; the ledger's sweep names them again later."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Job(Generic[T]):
    """One account waiting for, or holding, a slot. Mutable under the pool's lock only."""

    account: str
    bridge: str
    urgent: bool
    work: Callable[[str], T]
    future: "Future[T]" = field(default_factory=Future)


class AccountPool(Generic[T]):
    """Runs one function per account on its own threads; they start with the first work, after any fork."""

    def __init__(self, *, slots: int, urgent_slots: int, bridges: Callable[[], int]) -> None:
        """`bridges` tells how many bridges the fleet has now."""
        self._slots = slots
        self._threads_max = slots + urgent_slots
        self._bridges = bridges
        self._changed = threading.Condition()
        self._waiting: list[_Job[T]] = []
        self._running: dict[str, _Job[T]] = {}
        self._threads = 0

    def start(
        self,
        accounts: Iterable[str],
        work: Callable[[str], T],
        *,
        bridge_of: Callable[[str], str],
        urgent: bool,
    ) -> "dict[str, Future[T]]":
        """Queue the accounts and give one future for each.

        A second call for an account that waits already joins it; for one that runs, a later run is queued,
        because what woke the caller may have come after the running one's last look. Raises PoolFull.
        """
        wanted = [(name, bridge_of(name)) for name in dict.fromkeys(accounts)]
        with self._changed:
            futures = {name: self._queue(name, bridge, work, urgent).future for name, bridge in wanted}
            self._grow()
            self._changed.notify_all()
        return futures

    def busy(self) -> tuple[str, ...]:
        """Accounts that hold a slot now."""
        with self._changed:
            return tuple(self._running)

    def _queue(self, account: str, bridge: str, work: Callable[[str], T], urgent: bool) -> _Job[T]:
        job = next((job for job in self._waiting if job.account == account), None)
        if job is None:
            if len(self._waiting) >= WAITING_MAX:
                raise PoolFull(f"{WAITING_MAX} accounts wait for a slot")
            job = _Job(account=account, bridge=bridge, urgent=urgent, work=work)
            self._waiting.append(job)
        job.urgent = job.urgent or urgent
        return job

    def _grow(self) -> None:
        wanted = min(self._threads_max, len(self._waiting) + len(self._running))
        while self._threads < wanted:
            self._threads += 1
            # Daemons: a hanging call must not keep a stopping process alive; a cut one is settled as a doubt.
            threading.Thread(target=self._serve, name=f"account-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            job = self._take()
            try:
                result = job.work(job.account)
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits for this account
                self._end(job)
                job.future.set_exception(error)
            else:
                self._end(job)
                job.future.set_result(result)

    def _take(self) -> _Job[T]:
        with self._changed:
            while (job := self._admissible()) is None:
                self._changed.wait()
            self._waiting.remove(job)
            self._running[job.account] = job
            return job

    def _end(self, job: _Job[T]) -> None:
        with self._changed:
            del self._running[job.account]
            self._changed.notify_all()

    def _admissible(self) -> _Job[T] | None:
        """The first waiting job that may run now, urgent ones before normal ones."""
        held = Counter(job.bridge for job in self._running.values())
        normal = sum(not job.urgent for job in self._running.values())
        share = self._threads_max // 2 if self._bridges() > 1 else self._threads_max
        for job in sorted(self._waiting, key=lambda job: not job.urgent):
            fits = job.urgent or normal < self._slots
            if fits and job.account not in self._running and held[job.bridge] < max(1, share):
                return job
        return None
