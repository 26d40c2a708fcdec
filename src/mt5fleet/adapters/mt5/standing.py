"""What stands for an account whatever its terminal does: latch, guards' memory, floor and binding.

A latch is raised by anybody who may call, and lifted only by a record that a person with the role risk
signed for exactly this latch of this account.
Source: the project's design, section 8 "Breach", "Memory", "Last resort".
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import InvalidValue, JournalUnwritable, Unanswered, ValueRefused
from mt5fleet.domain.latch import Binding, Floor, Latch
from mt5fleet.domain.numbering import check_number
from mt5fleet.domain.order import TEXT_CHARS_MAX
from mt5fleet.domain.person import Person, Role
from mt5fleet.messages.records import FloorRecord, ResumeRecord, SignedRecord, open_record, verify_record
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import StandingJournal

People = Callable[[], Mapping[str, Person]]

_MICROSECONDS = 1_000_000


class Standing:
    """The operations of the gateway port that need no terminal, over the journal of one account."""

    def __init__(
        self,
        journal: StandingJournal,
        *,
        server: str,
        login: int,
        people: People,
        clock: Clock,
        unanswered_s: float,
    ) -> None:
        self._journal = journal
        self._server = server
        self._login = login
        self._people = people
        self._clock = clock
        self._unanswered_s = unanswered_s

    def latch(self, sequence: int, reason: str) -> None:
        """Latch as the port says: kept first, then Unanswered while an open may be in the terminal."""
        self.keep_latch(sequence, reason)
        if self.open_may_be_in_terminal():
            raise Unanswered("latched; an open sent a moment ago may still be in the terminal: ask again")

    def keep_latch(self, sequence: int, reason: str) -> None:
        """Write the latch into the journal and nothing else; raises StaleLatch as the port says.

        ValueRefused for a number that no other could follow: latched all the same, under a number of our own.
        """
        now, reason = self._clock.now(), reason[:TEXT_CHARS_MAX]
        try:
            check_number("latch.sequence", sequence, now)
        except ValueRefused:
            self.latch_locally(reason)
            raise
        latch = Latch(sequence=sequence, reason=reason, at=now)
        with _kept("the latch"):
            self._journal.set_latch(latch)

    def latch_locally(self, reason: str) -> Latch:
        """Latch without the ledger, numbered above everything that was lifted; a standing latch stays."""
        standing = self._journal.latch()
        if standing is not None:
            return standing
        now = self._clock.now()
        sequence = max(self._journal.lifted_sequence() + 1, _microseconds(now))
        latch = Latch(sequence=sequence, reason=reason, at=now, local=True)
        with _kept("the latch"):
            self._journal.set_latch(latch)
        return latch

    def open_may_be_in_terminal(self) -> bool:
        """Whether an open was handed over so lately that it may still be carried out."""
        now = self._clock.now()
        return any(
            entry.operation == "submit" and (now - entry.written_at).total_seconds() < self._unanswered_s
            for entry in self._journal.unfinished()
        )

    def unlatch(self, record: str) -> None:
        """Lift the latch that a signed resume record names; raises ValueRefused, and the latch stands."""
        signed = self._verified(record)
        resume = signed.record
        if not isinstance(resume, ResumeRecord):
            raise ValueRefused("record", "is not a resume record")
        latch = self._journal.latch()
        if latch is None and resume.sequence == self._journal.lifted_sequence():
            return
        if latch is None or latch.sequence != resume.sequence:
            stands = "no latch stands" if latch is None else f"latch {latch.sequence} stands"
            raise ValueRefused("record.sequence", f"is {resume.sequence}, but {stands}: sign the present one")
        with _kept("the resume"):
            self._journal.lift_latch(resume.sequence, record)

    def checkpoint(self, memory: GuardMemory) -> None:
        """Keep the guards' memory; an older sequence, or a forgotten peak, changes nothing."""
        check_number("memory.sequence", memory.sequence, self._clock.now())
        with _kept("the guards' memory"):
            self._journal.set_memory(memory)

    def memory(self) -> GuardMemory | None:
        """The newest checkpoint, None when there was none."""
        return self._journal.memory()

    def floor(self, record: str) -> None:
        """Keep the floor of a signed record; raises ValueRefused, and the kept one stays."""
        if record == self._journal.floor():
            return
        signed = self._verified(record)
        if not isinstance(signed.record, FloorRecord):
            raise ValueRefused("record", "is not a floor record")
        kept = self.kept_floor()
        if kept is not None and signed.record.at <= kept.signed_at:
            raise ValueRefused("record.at", f"is not newer than the kept floor's, {kept.signed_at}")
        with _kept("the floor"):
            self._journal.set_floor(record)

    def kept_floor(self) -> Floor | None:
        """The floor that stands, None when nobody set one."""
        record = self._journal.floor()
        if record is None:
            return None
        # Not verified again: a key that ran out since does not undo what its owner decided in time.
        floor = open_record(record).record
        if not isinstance(floor, FloorRecord):
            raise ValueRefused("floor", "the journal holds another kind of record in its place")
        return Floor(equity=floor.equity, readings=floor.readings, person=floor.person, signed_at=floor.at)

    def bind(self, journal_id: str | None, sequence: int) -> Binding:
        """The account's journal; raises ValueRefused when it is another one, or an older copy of it."""
        journal = self._journal
        if journal_id not in (None, journal.id):
            raise ValueRefused("journal_id", f"is {journal_id}, the bridge has {journal.id}: {_REBIND}")
        if sequence > journal.sequence:
            raise ValueRefused(
                "sequence", f"is {sequence}, the bridge's journal ends at {journal.sequence}: {_OLDER}"
            )
        return Binding(journal_id=journal.id, sequence=journal.sequence, created_at=journal.created_at)

    def dress(self, health: Health, ledger_age_s: float | None) -> Health:
        """The terminal's health with what stands for the account."""
        journal = self._journal
        return replace(
            health,
            journal_id=journal.id,
            journal_sequence=journal.sequence,
            journal_writable=journal.writable,
            newest_token=journal.newest_token(),
            latch=journal.latch(),
            lifted_sequence=journal.lifted_sequence(),
            floor=self.kept_floor(),
            ledger_age_s=ledger_age_s,
            risk_people=self._risk_people(),
        )

    def _risk_people(self) -> tuple[str, ...]:
        now = self._clock.now()
        return tuple(
            sorted(
                person.name
                for person in self._people().values()
                if person.role is Role.RISK and any(key.is_good(now) for key in person.keys)
            )
        )

    def _verified(self, record: str) -> SignedRecord:
        """The record, when it speaks of this account and a person who may decide it signed it lately."""
        with _refused():
            signed = open_record(record)
        if (signed.record.server, signed.record.login) != (self._server, self._login):
            spoken_of = f"{signed.record.login} on {signed.record.server}"
            raise ValueRefused("record", f"speaks of {spoken_of}, this is {self._login} on {self._server}")
        with _refused():
            verify_record(signed, self._people(), self._clock.now())
        return signed


_REBIND = "a named person must bind the account again"
_OLDER = f"it is an older copy; {_REBIND}"


@contextmanager
def _kept(what: str) -> Iterator[None]:
    """A write that the disk did not take may still be there after a restart: its end is not known."""
    try:
        yield
    except JournalUnwritable as error:
        raise Unanswered(f"{what} may not be kept: {error}") from error


@contextmanager
def _refused() -> Iterator[None]:
    """A record that breaks a rule, in the port's words."""
    try:
        yield
    except InvalidValue as error:
        raise ValueRefused(error.field, error.rule) from error


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * _MICROSECONDS)
