"""The bridge's own guard for the time when the ledger is away.

A person signed a floor for the account. Equity at or below it, in that many valid readings in a row, latches
the account in the journal first and then closes it, for as long as the ledger stays away. When it is back,
sending stops: the fleet copies the latch and flattens. Nothing is opened or lifted here, and a reading that
says nothing is never a breach.

Source: the project's design, section 8 "Last resort".
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.bridge.local_flatten import DeskLike, Ending, LocalFlatten, Pace, Pause, ask
from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.drawdown import reached
from mt5fleet.domain.errors import FleetError, GatewayError, StaleToken
from mt5fleet.domain.guards import why_blind
from mt5fleet.domain.latch import Floor, Latch
from mt5fleet.domain.order import TEXT_CHARS_MAX
from mt5fleet.ports.clock import Clock

_log = logging.getLogger("mt5fleet.bridge.last_resort")

_READING_AGE_S_MAX = Decimal(10)  # as for opens; a call that takes longer was answered too late
_PACE = Pace()


class LastResort:
    """Watches every account of a bridge, each on its own."""

    def __init__(
        self,
        desks: Mapping[str, DeskLike],
        contact: LedgerContact,
        clock: Clock,
        limits: BridgeLimits,
        *,
        pace: Pace = _PACE,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._limits = limits
        # A shadow account sends nothing, whatever happens.
        self._watches = tuple(
            AccountWatch(desk, contact, clock, limits, pace=pace, pause=pause)
            for desk in desks.values()
            if not desk.config.shadow
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; a close in hand is then given time to end."""
        watching = {watch: asyncio.create_task(watch.run()) for watch in self._watches}
        try:
            await stop.wait()
        finally:
            await self._end(watching)

    async def _end(self, watching: Mapping["AccountWatch", asyncio.Task[None]]) -> None:
        for watch, task in watching.items():
            watch.stop()
            if watch.resting:
                task.cancel()
        if watching:
            await asyncio.wait(watching.values(), timeout=self._limits.stop_s)
        for task in watching.values():
            task.cancel()
        await asyncio.gather(*watching.values(), return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Valid readings in a row at or below a floor."""

    floor: Floor
    count: int = 0
    first_at: datetime | None = None
    newest: Reading | None = None

    @property
    def confirmed(self) -> bool:
        """Whether the floor was seen as often as its signer asked for, and at least once."""
        return self.count > 0 and self.count >= self.floor.readings

    def after(self, reading: Reading) -> "Sighting":
        """The sighting after a valid reading: one above the floor ends the row."""
        if not reached(-reading.equity, -self.floor.equity):
            return Sighting(floor=self.floor, newest=reading)
        first_at = reading.at if self.first_at is None else self.first_at
        return Sighting(floor=self.floor, count=self.count + 1, first_at=first_at, newest=reading)


class AccountWatch:
    """The last resort of one account."""

    def __init__(
        self,
        desk: DeskLike,
        contact: LedgerContact,
        clock: Clock,
        limits: BridgeLimits,
        *,
        pace: Pace = _PACE,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._desk = desk
        self._name = desk.config.account
        self._contact = contact
        self._clock = clock
        self._limits = limits
        self._pace = pace
        self._pause = pause
        self.resting = True  # between two looks: nothing is lost when it is ended there
        self._started_s = clock.monotonic_s()
        self._stopped = False
        self._armed = False
        self._sighting: Sighting | None = None
        self._blind = ""
        self._flatten: LocalFlatten | None = None
        self._keeping: asyncio.Future[Latch] | None = None
        self._refused_s = limits.last_resort_every_s

    def stop(self) -> None:
        """Send nothing more, and end at the next look."""
        self._stopped = True

    async def run(self) -> None:
        """Look again and again, until stopped."""
        pause_s = self._limits.last_resort_every_s
        while not self._stopped:
            self.resting = True
            await self._pause(pause_s)
            self.resting = False
            pause_s = await self._safe_look()

    async def look(self) -> float:
        """Look once and do what is due; gives the seconds until the next look."""
        if not self._may_send():
            self._hand_back()
        elif not self._armed:
            # A process that was frozen finds the ledger silent until it has read what came meanwhile.
            self._arm()
        else:
            latch = self._closing_for() or await self._watch()
            if latch is not None:
                return await self._close(latch)
        return self._limits.last_resort_every_s

    async def _safe_look(self) -> float:
        try:
            return await self.look()
        except Exception:  # noqa: BLE001  # the boundary of one account's guard: no defect may end it for good
            _log.exception("%s: last resort: the look failed and is repeated", self._name)
            return self._limits.last_resort_every_s

    def _may_send(self) -> bool:
        return not self._stopped and self._silence_s() > self._limits.ledger_silence_s

    def _silence_s(self) -> float:
        age_s = self._contact.age_s()
        return self._clock.monotonic_s() - self._started_s if age_s is None else age_s

    def _arm(self) -> None:
        self._armed = True
        _log.warning(
            "%s: the ledger is silent for %.1f s: opens are refused; %s",
            self._name,
            self._silence_s(),
            self._plan(),
        )

    def _plan(self) -> str:
        latch, floor = self._desk.journal.latch(), self._desk.standing.kept_floor()
        if latch is not None and latch.local:
            return f"closing goes on under latch {latch.sequence} ({latch.reason})"
        if floor is None:
            return "no floor is kept, so nothing will be closed"
        return f"watching for equity {floor.equity} ({floor.readings} readings, signed by {floor.person})"

    def _hand_back(self) -> None:
        """The ledger is there, or the bridge ends: what was seen so far counts no longer."""
        if self._armed and not self._stopped:
            done = "nothing was sent" if self._flatten is None else self._flatten.receipts.sentence
            _log.warning("%s: the ledger is back: the last resort stands down; %s", self._name, done)
        self._armed, self._sighting, self._flatten, self._blind = False, None, None, ""
        self._refused_s = self._limits.last_resort_every_s

    def _closing_for(self) -> Latch | None:
        """The latch under which closing goes on: ours, also after a restart of the bridge."""
        latch = self._desk.journal.latch()
        if latch is None:
            return None
        begun = self._flatten is not None and self._flatten.latch.sequence == latch.sequence
        return latch if latch.local or begun else None

    async def _watch(self) -> Latch | None:
        """One reading against the floor; gives the latch once the floor is confirmed."""
        # A floor stands although its signer's key was revoked since: it was valid when it was kept, it only
        # ends risk, and nobody could be told now that the account had lost it. A newer record replaces it.
        floor = self._desk.standing.kept_floor()
        if floor is None:
            return None
        before = self._sighting
        if before is None or before.floor != floor:
            before = Sighting(floor=floor)
        reading = await self._reading(before)
        if isinstance(reading, str):
            self._tell_blind(reading)  # it says nothing either way: it neither counts nor ends the row
            return None
        self._sighting, self._blind = before.after(reading), ""
        self._tell_low(self._sighting)
        return await self._latch(self._sighting) if self._sighting.confirmed and self._may_send() else None

    async def _reading(self, before: Sighting) -> Reading | str:
        """A reading of this account's money taken by this call, or why there is none."""
        asked_at = self._clock.now()
        try:
            reading = await ask(self._desk, Reading, self._pace.call_s_max, "reading", token=None)
        except GatewayError as error:
            return str(error)
        if reading.account != self._name:
            return f"the reading is of {reading.account}"
        if reading.at < asked_at or (before.newest is not None and reading.at == before.newest.at):
            return "the reading is not a fresh one"
        return why_blind(reading, self._clock.now(), _READING_AGE_S_MAX) or reading

    async def _latch(self, sighting: Sighting) -> Latch | None:
        """Latch durably; nothing is closed before, and opens are refused from then on."""
        reason = _reason(sighting, self._silence_s())
        if self._keeping is None:
            # In a thread: the disk may be slow, and other accounts must not wait for it.
            work = asyncio.to_thread(self._desk.standing.latch_locally, reason)
            self._keeping = asyncio.ensure_future(work)
        try:
            latch = await asyncio.wait_for(asyncio.shield(self._keeping), self._pace.call_s_max)
        except TimeoutError:
            _log.critical("%s: %s; the latch is still being written", self._name, reason)
            return None  # the next look waits for the same write
        except FleetError as error:
            self._keeping = None
            _log.critical("%s: %s; the latch could not be kept: %s", self._name, reason, error)
            return None
        self._keeping = None
        _log.critical("%s: latched (%s): %s", self._name, latch.sequence, reason)
        return latch

    async def _close(self, latch: Latch) -> float:
        """One pass of closing; gives the seconds until the next."""
        flatten = self._flatten
        if flatten is None or flatten.latch.sequence != latch.sequence:
            flatten = LocalFlatten(self._desk, latch, self._clock, self._may_send, self._pause, self._pace)
            self._flatten = flatten
        try:
            ending = await flatten.run()
        except StaleToken as error:
            _log.warning("%s: last resort: a worker holds the account (%s): it goes first", self._name, error)
            return self._limits.ledger_silence_s
        return self._until_next_pass(ending)

    def _until_next_pass(self, ending: Ending) -> float:
        every_s = self._limits.last_resort_every_s
        if ending is not Ending.REFUSED:
            self._refused_s = every_s
            return every_s
        self._refused_s = min(self._refused_s * 2, self._pace.refused_s_max)
        return self._refused_s

    def _tell_blind(self, why: str) -> None:
        """Once per episode: the ledger may be away for days."""
        if not self._blind:
            _log.warning("%s: last resort: nothing is known of the equity: %s", self._name, why)
        self._blind = why

    def _tell_low(self, sighting: Sighting) -> None:
        reading = sighting.newest
        if reading is not None and sighting.count:
            _log.warning(
                "%s: equity %s is at or below the floor %s: reading %d of %d",
                self._name,
                reading.equity,
                sighting.floor.equity,
                sighting.count,
                sighting.floor.readings,
            )


def _reason(sighting: Sighting, silence_s: float) -> str:
    reading, floor = sighting.newest, sighting.floor
    equity, balance = ("?", "?") if reading is None else (reading.equity, reading.balance)
    return (
        f"last resort: equity {equity} reached the floor {floor.equity} in {sighting.count} readings, "
        f"balance {balance}; floor signed by {floor.person}; ledger silent for {silence_s:.0f} s"
    )[:TEXT_CHARS_MAX]
