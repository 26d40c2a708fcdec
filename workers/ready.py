"""Says when a starting fleet can trade: every worker lives and every account can be read."""

from collections.abc import Callable
from threading import Event

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import FleetError
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Story
from workers.pulse import worker_part

POLL_S = 0.2
TELL_EVERY_S = 10.0  # people want to know what a slow start waits for


class Readiness:
    """Watches a start from outside the parts, through the same ledger and bridges that the workers use."""

    def __init__(
        self, *, story: Story, gateway: Gateway, accounts: tuple[str, ...], nodes: tuple[str, ...]
    ) -> None:
        """`nodes` are the workers that were started; `accounts` the ones to be traded."""
        self._story = story
        self._gateway = gateway
        self._accounts = accounts
        self._nodes = nodes
        self._clock = SystemClock()

    def report(self, say: Callable[[str], None], stop: Event) -> None:
        """Say once that all is ready, and every while what is still missing; ends with `stop`, too."""
        began_s = told_s = self._clock.monotonic_s()
        while missing := self._missing():
            now_s = self._clock.monotonic_s()
            if now_s - told_s >= TELL_EVERY_S:
                say(f"waiting for {missing}")
                told_s = now_s
            if stop.wait(POLL_S):
                return
        took_s = self._clock.monotonic_s() - began_s
        say(f"the fleet is ready: {len(self._nodes)} workers, {len(self._accounts)} accounts, {took_s:.1f} s")

    def _missing(self) -> str:
        try:
            beats = self._story.beats()
            silent = [node for node in self._nodes if worker_part(node) not in beats]
            return f"workers {' '.join(silent)}" if silent else self._unread()
        except FleetError as error:
            return str(error)

    def _unread(self) -> str:
        """Why the first account cannot be read, with how many others."""
        readings = self._gateway.readings(self._accounts)
        missing = {name: why for name, why in readings.items() if not isinstance(why, Reading)}
        if not missing:
            return ""
        name, why = next(iter(missing.items()))
        return f"{len(missing)} accounts, such as {name}: {why}"
