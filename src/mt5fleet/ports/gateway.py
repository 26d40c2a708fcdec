"""The road to the terminals.

Every answer is a typed value, a refusal is a value, a failed question is an error.

Errors of every operation, all of them GatewayErrors: Unreachable (provably did not get there), Unanswered
(may have), StaleToken (with a token only), ValueRefused (a value breaks a rule of the bridge or of the road).
ValueRefused does not tell whether an order was sent before: of an order it is a doubt, of a question no
answer.
An empty tuple means the terminal answered from a synchronised session that there is nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit

# Between two readings of a stream: faster than a terminal answers is a mistake, slower needs no stream.
STREAM_EVERY_S_MIN, STREAM_EVERY_S_MAX = 0.05, 60.0


class Gateway(Protocol):
    """Terminals of many accounts, named as the fleet names them."""

    def health(self, account: str) -> Health:
        """State of the account's terminal connection, journal and latch."""
        ...

    def reading(self, account: str, token: int | None = None) -> Reading:
        """Money of one account, read now."""
        ...

    def readings(
        self, accounts: tuple[str, ...], ledger_at: datetime | None = None
    ) -> dict[str, Reading | str]:
        """Money of many accounts; a failed one is a sentence that says why, in place of the reading.

        `ledger_at` is what the ledger's clock said just now: it tells the bridge that the ledger is there.
        A bridge that has not heard of the ledger for a while refuses opens.
        """
        ...

    def reading_stream(self, accounts: tuple[str, ...], every_s: float) -> Iterator[dict[str, Reading | str]]:
        """`readings` again and again, until the caller stops; raises as they do when the bridge is lost.

        ValueRefused for a pause outside STREAM_EVERY_S_MIN and STREAM_EVERY_S_MAX.
        """
        ...

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        """Rules of a symbol; None when the terminal says that it does not know it."""
        ...

    def quote(self, account: str, symbol: str) -> Quote | None:
        """Best prices; None when the terminal has none."""
        ...

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        """Open positions, ours and foreign."""
        ...

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        """Resting orders, ours and foreign."""
        ...

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        """Deals in a window of UTC moments (the bridge widens it for the server's offset)."""
        ...

    def check(self, account: str, order: OpenOrder) -> Check:
        """Ask the broker for a dry run of an open; sends nothing and needs no permit."""
        ...

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        """Ask first whether the key is at the broker, look once more, journal, send.

        The last look is at token, latch, not_after, quote and mode.
        """
        ...

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        """Bring a position down to its goal.

        APPLIED when it is there already, FILLED with the closed volume when sent.
        """
        ...

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        """Set stop, target or entry price; APPLIED also when they stand already."""
        ...

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        """Take a resting order away; APPLIED also when it is gone already."""
        ...

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        """Find out what became of (key, attempt) from journal and broker; never sends.

        NOT_SENT only with proof, after a tombstone for the attempt; IN_DOUBT while there is none. `attempt`
        0 asks whether
        the key was ever executed (NOT_SENT then means: no trace). `since` is when the signal was created.
        """
        ...

    def latch(self, account: str, sequence: int, reason: str) -> None:
        """Refuse every open from now on, whatever the token.

        Returns only when no open is in the terminal. Kept in the journal. Raises StaleLatch for a sequence
        that a person lifted, ValueRefused for one that no other could follow; latched it is all the same.
        """
        ...

    def unlatch(self, account: str, record: str) -> None:
        """Lift the latch that a signed resume record names; repeated, it changes nothing.

        The bridge checks the record by itself: account, sequence, age, signature, role. Raises ValueRefused
        naming what does not fit; the latch stands then.
        """
        ...

    def checkpoint(self, account: str, memory: GuardMemory) -> None:
        """Keep the guards' memory in the journal; an older sequence, or a forgotten peak, changes nothing."""
        ...

    def memory(self, account: str) -> GuardMemory | None:
        """The newest checkpoint, None when there was none."""
        ...

    def floor(self, account: str, record: str) -> None:
        """Keep the floor of a signed record, for the time when the ledger is away.

        Raises ValueRefused as `unlatch` does, and for a record older than the kept one.
        """
        ...

    def bind(self, account: str, journal_id: str | None, sequence: int) -> Binding:
        """The account's journal; `journal_id` None asks for it at first sight.

        Raises ValueRefused when the journal is another one, or an older copy of it (fewer writes than
        `sequence`).
        """
        ...
