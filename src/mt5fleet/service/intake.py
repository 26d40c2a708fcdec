"""From the signal log to the accounts' inboxes: verify, record once, push, then settle.

An entry is settled only when each of its commands is on its inbox or its refusal is stored, so that a crash
anywhere repeats work and loses nothing.
There is one intake owner at a time; inboxes refuse an older one's pushes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import Conflict, LedgerError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.order import Command, Lane
from mt5fleet.domain.record import Alert, DeadLetter, Severity
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Inbox, LogEntry, Outbox, Pushed, SignalLog
from mt5fleet.ports.waker import Waker
from mt5fleet.service.admission import Moment, SecretOf
from mt5fleet.service.commands import by_account
from mt5fleet.service.fleet import FleetSource
from mt5fleet.service.judging import Judge, Scene
from mt5fleet.service.refusal import CONFLICT, UNREADABLE, Refusal
from mt5fleet.service.settings import IntakeSettings
from mt5fleet.service.telling import ToldOnce
from mt5fleet.service.waking import Waking

_ALERTED = frozenset(
    {
        DenialReason.SIGNATURE_INVALID,
        DenialReason.KEY_REVOKED,
        DenialReason.RIGHT_MISSING,
        DenialReason.RATE_EXCEEDED,
        CONFLICT,
        UNREADABLE,
    }
)


class IntakeLedger(SignalLog, Inbox, Outbox, Protocol):
    """The parts of the ledger that intake needs."""

    def now(self) -> datetime:
        """The ledger's clock."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What one run did; `signals` are the ids taken in or refused, in the log's order.

    `reason` says why it did nothing or stopped early; empty when the log is empty.
    """

    signals: tuple[str, ...]
    accepted: int
    refused: int
    commands: int
    wakes_failed: int
    reason: str


@dataclass(slots=True)
class _Tally:
    signals: list[str] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    commands: int = 0
    urgent: set[str] = field(default_factory=set)
    normal: set[str] = field(default_factory=set)


class Intake:
    """Takes posted signals in; `run` is one task's work."""

    def __init__(
        self,
        *,
        ledger: IntakeLedger,
        fleet: FleetSource,
        secret_of: SecretOf,
        waker: Waker,
        clock: Clock,
        settings: IntakeSettings,
    ) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._judge = Judge(ledger, secret_of, settings)
        self._waker = waker
        self._clock = clock
        self._settings = settings
        self._told = ToldOnce(1)

    def run(self, owner: str) -> IntakeReport:
        """Take entries in until the log is empty or the slice is over.

        Raises LedgerError when the ledger fails: nothing is settled that is not on its inboxes.
        """
        if self._fleet.now_told().revision == 0:
            self._tell_empty()
            return _report(_Tally(), "the fleet was told nothing yet")
        lease = self._ledger.acquire_log(owner, self._settings.lease_ttl_ms)
        if lease is None:
            return _report(_Tally(), "another worker takes in")
        tally, waking = _Tally(), Waking(self._waker)
        reason = self._slice(lease, tally, waking)
        if reason:
            waking.intake()
        return _report(tally, reason, waking.failed)

    def _tell_empty(self) -> None:
        if self._told.first("fleet-empty"):
            self._ledger.raise_alert(_nothing_told())

    def _slice(self, lease: Lease, tally: _Tally, waking: Waking) -> str:
        end_s = self._clock.monotonic_s() + self._settings.slice_s
        while self._clock.monotonic_s() < end_s:
            entries = self._ledger.waiting(lease, self._settings.batch_entries)
            if entries:
                self._batch(lease, entries, tally)
                self._wake(tally, waking)
            elif self._ledger.release_log(lease):
                return ""
        return "the slice is over"

    def _batch(self, lease: Lease, entries: Sequence[LogEntry], tally: _Tally) -> None:
        """Push what the entries became in as few round trips as the limits allow, in the log's order."""
        scene = self._scene()
        commands: list[Command] = []
        first = 0
        for index, entry in enumerate(entries):
            commands += self._judged(lease, entry, scene, tally)
            if len(commands) >= self._settings.commands_per_push or index == len(entries) - 1:
                self._push(lease, entries[first : index + 1], commands, tally)
                commands, first = [], index + 1

    def _scene(self) -> Scene:
        epoch = self._ledger.epoch()
        return Scene(fleet=self._fleet.now_told(), moment=Moment(now=self._ledger.now(), epoch=epoch))

    def _judged(self, lease: Lease, entry: LogEntry, scene: Scene, tally: _Tally) -> tuple[Command, ...]:
        """The commands of one entry; a bad one is dead-lettered and the rest goes on.

        A refusal that was told stands, though its reason may have passed: the producer may have acted on it.
        """
        if entry.buried and self._ledger.record_of(entry.signal_id) is None:
            return ()
        try:
            commands = self._judge.commands(entry, scene)
        except LedgerError:
            raise
        except Refusal as refusal:
            self._bury(lease, entry, refusal, tally)
            return ()
        except Exception as error:  # noqa: BLE001 - one entry's fault must not stop everybody's signals
            rule = f"intake failed on it ({type(error).__name__}): report this message"
            self._bury(lease, entry, Refusal(UNREADABLE, "envelope", rule), tally)
            return ()
        tally.accepted += 1
        tally.signals.append(entry.signal_id)
        return commands

    def _push(
        self, lease: Lease, entries: Sequence[LogEntry], commands: list[Command], tally: _Tally
    ) -> None:
        """Push, then settle; an entry that is older than what an inbox holds is buried, not skipped."""
        grouped = by_account(commands)
        answers = self._ledger.push_many(lease.token, grouped) if grouped else {}
        for account, answer in answers.items():
            if isinstance(answer, Conflict):
                self._push_singly(lease, entries, grouped[account], tally)
            elif isinstance(answer, LedgerError):
                raise answer
            else:
                _note_wake(account, answer, grouped[account], tally)
        self._ledger.settle(lease, entries[-1].seq)

    def _push_singly(
        self, lease: Lease, entries: Sequence[LogEntry], commands: tuple[Command, ...], tally: _Tally
    ) -> None:
        posted = {entry.seq: entry for entry in entries}
        for command in commands:
            try:
                answer = self._ledger.push(command.account, lease.token, (command,))
            except Conflict:
                rule = f"account {command.account} holds newer commands: send it again as a new signal"
                self._bury(lease, posted[command.seq], Refusal(CONFLICT, "seq", rule), tally)
            else:
                _note_wake(command.account, answer, (command,), tally)

    def _bury(self, lease: Lease, entry: LogEntry, refusal: Refusal, tally: _Tally) -> None:
        letter = DeadLetter(
            seq=entry.seq,
            at=self._ledger.now(),
            signal_id=entry.signal_id,
            producer=refusal.producer,
            reason=refusal.reason,
            field=refusal.field,
            rule=refusal.rule,
            envelope=entry.envelope,
        )
        self._ledger.bury(lease, letter, _alert_of(letter))
        tally.refused += 1
        tally.signals.append(entry.signal_id)

    def _wake(self, tally: _Tally, waking: Waking) -> None:
        waking.accounts(urgent=tally.urgent, normal=tally.normal)
        tally.urgent, tally.normal = set(), set()


def _note_wake(account: str, answer: Pushed, commands: tuple[Command, ...], tally: _Tally) -> None:
    tally.commands += len(commands)
    if not answer.wake:
        return
    urgent = any(command.lane is Lane.URGENT for command in commands)
    (tally.urgent if urgent else tally.normal).add(account)


def _alert_of(letter: DeadLetter) -> Alert | None:
    if letter.reason not in _ALERTED:
        return None
    return Alert(
        severity=Severity.CRITICAL if letter.reason == CONFLICT else Severity.WARNING,
        title=f"Signal refused: {letter.reason}",
        text=f"Signal {letter.signal_id} of {letter.producer or 'an unknown producer'}: "
        f"{letter.field} {letter.rule}.",
        dedupe=f"refused:{letter.reason}:{letter.producer}",
    )


def _nothing_told() -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title="The fleet was told nothing",
        text="The ledger holds no accounts and producers, so signals wait: run `mt5fleet accounts apply`.",
        dedupe="fleet-empty",
    )


def _report(tally: _Tally, reason: str, wakes_failed: int = 0) -> IntakeReport:
    return IntakeReport(
        signals=tuple(tally.signals),
        accepted=tally.accepted,
        refused=tally.refused,
        commands=tally.commands,
        wakes_failed=wakes_failed,
        reason=reason,
    )
