"""Signs of life in the ledger: of this worker, of the accounts' terminals, and of beat's ticks."""

import logging

from config.schedule import LATE_PERIODS
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.record import Alert, Severity
from mt5fleet.service.heartbeat import Heartbeat
from mt5fleet.service.settings import HeartbeatSettings
from mt5fleet.service.telling import ToldOnce
from tasks.runtime import Report
from workers.ports import Ports

BEAT = "beat"
LOOK_S_MAX = 5.0  # for all terminals of one heartbeat: half of its period
GRACE_S = 20.0  # a fleet that starts has no ticks yet
TOLD_MAX = 100  # ticks whose silence is told once

logger = logging.getLogger(__name__)


def worker_part(node: str) -> str:
    """The name of a worker's heartbeat in the ledger."""
    return f"worker:{node}"


def tick_part(name: str) -> str:
    """The name of a tick's mark in the ledger."""
    return f"tick:{name}"


class Pulse:
    """Writes and reads the signs of life of one process."""

    def __init__(self, *, node: str, ports: Ports, heartbeat: Heartbeat, settings: HeartbeatSettings) -> None:
        """`node` is the worker's name as Flower shows it."""
        self._node = node
        self._ledger = ports.ledger
        self._gateway = ports.gateway
        self._fleet = ports.fleet
        self._clock = ports.clock
        self._heartbeat = heartbeat
        self._settings = settings
        self._began_s = ports.clock.monotonic_s()
        self._told = ToldOnce(TOLD_MAX)

    def own(self) -> None:
        """This worker lives, and this is what it did."""
        self._heartbeat.beat(worker_part(self._node))

    def fleet(self) -> Report:
        """Beat lives, and this is what the terminals say. Raises LedgerError."""
        self._ledger.beat(BEAT, {"by": self._node}, self._settings.keep_ms)
        end_s = self._clock.monotonic_s() + LOOK_S_MAX
        seen, silent = 0, list[str]()
        for name, account in self._fleet.now_told().accounts.items():
            if account.enabled and self._clock.monotonic_s() < end_s:
                progress = self._terminal(name)
                seen += 1
                silent += [] if "error" not in progress else [name]
                self._ledger.beat(f"account:{name}", progress, self._settings.keep_ms)
        return {"accounts": seen, "silent": silent[:10]}

    def mark(self, name: str, period_s: float, by: str) -> None:
        """Somebody runs this tick now; raises LedgerError."""
        if by == BEAT:
            self._told.over(name)
        self._ledger.beat(tick_part(name), {"by": by}, int(period_s * LATE_PERIODS * 1000))

    def late(self, name: str) -> bool:
        """Whether the tick's mark has run out. Raises LedgerError."""
        marked = self._ledger.beats().get(tick_part(name))
        if marked is not None:
            if marked.get("by") == BEAT:
                self._told.over(name)
            return False
        self._tell_silence(name)
        return True

    def _tell_silence(self, name: str) -> None:
        """Once for each silence; workers that notice it together make one alert with a count."""
        if self._clock.monotonic_s() - self._began_s < GRACE_S or not self._told.first(name):
            return
        logger.warning("no %s tick from beat: this worker runs it", name)
        self._ledger.raise_alert(_silence(name))

    def _terminal(self, account: str) -> dict[str, str]:
        try:
            health = self._gateway.health(account)
        except GatewayError as error:
            return {"error": str(error)}
        return {
            "connected": str(health.connected),
            "trade_allowed": str(health.trade_allowed),
            "latched": str(health.latched),
            "why_not": "; ".join(health.why_not),
        }


def _silence(name: str) -> Alert:
    return Alert(
        severity=Severity.WARNING,
        title="Beat is silent",
        text=f"No {name} tick came from beat. Workers run it themselves; see that beat is started again.",
        dedupe=f"beat-silent:{name}",
    )
