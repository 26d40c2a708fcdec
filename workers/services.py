"""The services of one worker process behind its tasks, and the ticks it runs itself when beat is silent."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from config.schedule import GUARDS_PERIOD_S, HEARTBEAT_PERIOD_S, OUTBOX_PERIOD_S, SWEEP_PERIOD_S
from mt5fleet import messages
from mt5fleet.domain.errors import FleetError, InvalidValue
from mt5fleet.service.drain import Drain, DrainReport
from mt5fleet.service.guard import GuardSweep
from mt5fleet.service.intake import Intake
from mt5fleet.service.notify import Deliver
from mt5fleet.service.submit import Submit
from mt5fleet.service.sweep import Sweep
from tasks.runtime import Report
from workers import reports
from workers.metrics import FleetMetrics
from workers.pool import AccountPool
from workers.ports import Ports
from workers.pulse import Pulse
from workers.watch import Tick

#: How long a wake-up waits for its accounts: less than the broker waits before it gives it to another.
DRAIN_S_MAX = 45.0
BUSY: Report = {"busy": "this process does it already"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases of a process, built by bootstrap."""

    submit: Submit
    intake: Intake
    drain: Drain
    sweep: Sweep
    guards: GuardSweep
    deliver: Deliver


class FleetServices:
    """Implements `tasks.runtime.Services`; safe for many threads."""

    def __init__(
        self,
        *,
        owner: str,
        ports: Ports,
        use: UseCases,
        pool: AccountPool[DrainReport],
        metrics: FleetMetrics,
        pulse: Pulse,
        refill: Callable[[], object],
    ) -> None:
        """`owner` names this process in leases; `refill` fills an emptied ledger."""
        self._owner = owner
        self._fleet = ports.fleet
        self._clock = ports.clock
        self._use = use
        self._pool = pool
        self._metrics = metrics
        self._pulse = pulse
        self._refill = refill
        self._once = {name: threading.Lock() for name in ("guards", "deliver")}

    # What each of these means is said once, in `tasks.runtime.Services`.

    def submit(self, envelope: str) -> Report:  # noqa: D102 - as above
        try:
            posted = self._use.submit.run(envelope)
        except InvalidValue as error:
            logger.warning("a signal sent through the queue cannot be read: %s", error)
            return {"refused": str(error)}
        return {"result": posted.result.value, "seq": posted.seq}

    def take_in(self) -> Report:  # noqa: D102 - as above
        report = self._use.intake.run(self._owner)
        self._metrics.worked("signals", len(report.signals))
        return _logged("signals taken in", reports.intake_report(report), worth=bool(report.signals))

    def drain(self, accounts: tuple[str, ...], *, urgent: bool) -> Report:  # noqa: D102 - as above
        futures = self._pool.start(accounts, self._drain_one, bridge_of=self._bridge_of, urgent=urgent)
        drained = self._collected(futures)
        self._metrics.count(drained.states)
        self._metrics.worked("orders", len(drained.states))
        worth = bool(drained.states or drained.failed)
        return _logged("orders carried out", reports.drained_report(drained), worth=worth)

    def sweep(self) -> Report:  # noqa: D102 - as above
        return self._sweep("beat")

    def check_guards(self) -> Report:  # noqa: D102 - as above
        return self._check_guards("beat")

    def beat(self) -> Report:  # noqa: D102 - as above
        return self._pulse.fleet()

    def deliver(self, channels: tuple[str, ...]) -> Report:  # noqa: D102 - as above
        return self._deliver("beat", frozenset(channels) or None)

    def ticks(self, queues: tuple[str, ...]) -> list[Tick]:
        """What this worker watches over, given the queues it consumes."""
        own = Tick(name="pulse", period_s=HEARTBEAT_PERIOD_S, late=lambda: True, run=self._pulse.own)
        ticks = [own, self._tick("sweep", SWEEP_PERIOD_S, self._sweep)]
        if messages.QUEUE_GUARDS in queues:
            ticks.append(self._tick("guards", GUARDS_PERIOD_S, self._check_guards))
        if messages.QUEUE_NOTIFICATIONS in queues:
            ticks.append(self._tick("outbox", OUTBOX_PERIOD_S, self._deliver))
        return ticks

    def _drain_one(self, account: str) -> DrainReport:
        return self._use.drain.run(account, self._owner)

    def _bridge_of(self, account: str) -> str:
        told = self._fleet.now_told().accounts.get(account)
        return "" if told is None else told.bridge

    def _collected(self, futures: "dict[str, Future[DrainReport]]") -> reports.Drained:
        """Every account's report; one that fails or takes too long takes nothing from the others."""
        end_s = self._clock.monotonic_s() + DRAIN_S_MAX
        done, failed = list[DrainReport](), dict[str, str]()
        for account, future in futures.items():
            try:
                done.append(future.result(max(0.0, end_s - self._clock.monotonic_s())))
            except TimeoutError:
                failed[account] = "still at work: see its next wake-up"
            except FleetError as error:
                failed[account] = str(error)
                logger.warning("account %s: %s", account, error)
            except Exception as error:
                # The other accounts' results must be told; the lease runs out and the next owner settles.
                failed[account] = f"unexpected {type(error).__name__}: see the worker's log"
                logger.exception("account %s failed", account)
        return reports.Drained(reports=tuple(done), failed=failed)

    def _sweep(self, by: str) -> Report:
        self._pulse.mark("sweep", SWEEP_PERIOD_S, by)
        self._refill()
        return reports.sweep_report(self._use.sweep.run())

    def _check_guards(self, by: str) -> Report:
        self._pulse.mark("guards", GUARDS_PERIOD_S, by)
        with self._alone("guards") as alone:
            if not alone:
                return BUSY
            report = self._use.guards.run()
        self._metrics.worked("guard_checks", 1)
        return reports.guard_report(report)

    def _deliver(self, by: str, only: frozenset[str] | None = None) -> Report:
        self._pulse.mark("outbox", OUTBOX_PERIOD_S, by)
        with self._alone("deliver") as alone:
            return reports.deliver_report(self._use.deliver.run(only)) if alone else BUSY

    @contextmanager
    def _alone(self, what: str) -> Iterator[bool]:
        """Whether no other thread of this process does the same; the next tick comes soon enough."""
        alone = self._once[what].acquire(blocking=False)
        try:
            yield alone
        finally:
            if alone:
                self._once[what].release()

    def _tick(self, name: str, period_s: float, run: Callable[[str], Report]) -> Tick:
        late = partial(self._pulse.late, name)
        return Tick(name=name, period_s=period_s, late=late, run=partial(run, self._owner))


def _logged(what: str, report: Report, *, worth: bool) -> Report:
    """The report, also as a log line when something happened."""
    if worth:
        logger.info("%s: %s", what, report)
    return report
