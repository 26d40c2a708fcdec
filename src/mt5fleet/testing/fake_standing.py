"""What stands at the made-up bridge, apart from the real one's code so that one mistake is not made twice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import InvalidValue, JournalUnwritable, Unanswered, ValueRefused
from mt5fleet.domain.latch import Binding, Floor, Latch
from mt5fleet.domain.numbering import check_number
from mt5fleet.domain.person import Person
from mt5fleet.messages.records import FloorRecord, Record, ResumeRecord, open_record, verify_record
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.memory_journal import MemoryJournal

People = Callable[[], Mapping[str, Person]]


def raise_latch(book: FakeAccount, sequence: int, reason: str, unanswered_s: float) -> None:
    """Latch; Unanswered while an open that nobody heard of again may be in the terminal."""
    now = book.clock.now()
    try:
        check_number("latch.sequence", sequence, now)
    except ValueRefused:
        own = Latch(sequence=book.journal.lifted_sequence() + 1, reason=reason, at=now, local=True)
        with _kept(book):
            book.journal.set_latch(own)
        raise
    with _kept(book):
        book.journal.set_latch(Latch(sequence=sequence, reason=reason, at=now))
    for entry in book.journal.unfinished():
        if entry.operation == "submit" and (now - entry.written_at).total_seconds() < unanswered_s:
            raise Unanswered(f"{book.name} is latched; an open may still be in the terminal")


def lift_latch(book: FakeAccount, text: str, people: People) -> None:
    """Lift the standing latch when a person who may has signed for exactly this one."""
    record = _checked(book, text, people)
    if not isinstance(record, ResumeRecord):
        raise ValueRefused("record", "lifts no latch")
    latch = book.journal.latch()
    standing = book.journal.lifted_sequence() if latch is None else latch.sequence
    if record.sequence != standing:
        raise ValueRefused("record.sequence", f"is not {standing}")
    if latch is not None:
        with _kept(book):
            book.journal.lift_latch(record.sequence, text)


def keep_memory(book: FakeAccount, memory: GuardMemory) -> None:
    """Keep a newer checkpoint."""
    check_number("memory.sequence", memory.sequence, book.clock.now())
    with _kept(book):
        book.journal.set_memory(memory)


def keep_floor(book: FakeAccount, text: str, people: People) -> None:
    """Keep a newer floor than the kept one; the same one again changes nothing."""
    record = _checked(book, text, people)
    if not isinstance(record, FloorRecord):
        raise ValueRefused("record", "sets no floor")
    kept = kept_floor(book.journal)
    if text == book.journal.floor():
        return
    if kept is not None and kept.signed_at >= record.at:
        raise ValueRefused("record.at", "is not newer than the kept one")
    with _kept(book):
        book.journal.set_floor(text)


def kept_floor(journal: MemoryJournal) -> Floor | None:
    """The floor that stands."""
    text = journal.floor()
    record = None if text is None else open_record(text).record
    if not isinstance(record, FloorRecord):
        return None
    return Floor(equity=record.equity, readings=record.readings, person=record.person, signed_at=record.at)


def binding(journal: MemoryJournal, journal_id: str | None, sequence: int) -> Binding:
    """The journal, unless the caller knows another one or more of it."""
    if journal_id is not None and journal_id != journal.id:
        raise ValueRefused("journal_id", f"is not {journal.id}")
    if journal.sequence < sequence:
        raise ValueRefused("sequence", f"is above {journal.sequence}")
    return Binding(journal_id=journal.id, sequence=journal.sequence, created_at=journal.created_at)


class Contact:
    """How long ago the made-up bridge heard of the ledger; not asked for when no contact is required."""

    def __init__(self, monotonic_s: Callable[[], float], *, required: bool) -> None:
        self._monotonic_s = monotonic_s
        self._required = required
        self._told: datetime | None = None
        self._at_s: float | None = None

    def see(self, ledger_at: datetime | None) -> None:
        """Count what was not told before."""
        if ledger_at is not None and ledger_at != self._told:
            self._told, self._at_s = ledger_at, self._monotonic_s()

    def age_s(self) -> float | None:
        """Seconds since then; always fresh when no contact is required."""
        if not self._required:
            return 0.0
        return None if self._at_s is None else self._monotonic_s() - self._at_s


@contextmanager
def _kept(book: FakeAccount) -> Iterator[None]:
    try:
        yield
    except JournalUnwritable as full:
        raise Unanswered(f"the bridge of {book.name} cannot say that it is kept: {full}") from full


def _checked(book: FakeAccount, text: str, people: People) -> Record:
    try:
        signed = open_record(text)
        verify_record(signed, people(), book.clock.now())
    except InvalidValue as error:
        raise ValueRefused(error.field, error.rule) from error
    if signed.record.login != book.login or signed.record.server != book.server:
        raise ValueRefused("record", f"is not for {book.login} on {book.server}")
    return signed.record
