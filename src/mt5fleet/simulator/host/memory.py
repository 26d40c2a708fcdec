"""What a restarted broker reads back from its journal."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from mt5fleet.simulator.accounts.rows import Transaction
from mt5fleet.simulator.clock import ClockState
from mt5fleet.simulator.host.journal import JournalError
from mt5fleet.simulator.market import Market

FORMAT = 1

Record: TypeAlias = Mapping[str, Any]


class Memory:
    """Replays past records into the market's books; keeps what else outlives the process.

    Raises:
        JournalError: A record is of an unknown kind or format.
    """

    def __init__(self, market: Market, past: Iterable[Record]) -> None:
        self.epoch_ms = 0
        self.rolled_day: int | None = None  # the newest server day whose rollover is booked
        self.quotes: dict[str, tuple[Decimal, Decimal]] = {}
        self.clock: ClockState | None = None  # as it was told last; None: never
        self._market = market
        self._readers: dict[str, Callable[[Record], None]] = {
            "started": self._read_start,
            "clock": self._read_clock,
            "opened": self._read_opened,
            "reset": self._read_reset,
            "transaction": self._read_transaction,
            "rollover": self._read_rollover,
            "quote": self._read_quote,
            "quotes_released": self._read_release,
        }
        for record in past:
            self._replay(record)

    def start(self, now_ms: int) -> bool:
        """Tell whether the broker starts for the first time, which is when recorded prices begin."""
        is_first = self.epoch_ms == 0
        self.epoch_ms = self.epoch_ms or now_ms
        return is_first

    def _replay(self, record: Record) -> None:
        reader = self._readers.get(str(record.get("kind")))
        if reader is None:
            raise JournalError(
                f"journal: unknown record kind {record.get('kind')!r}; written by a newer version?"
            )
        reader(record)

    def _read_start(self, record: Record) -> None:
        if record["format"] != FORMAT:
            raise JournalError(f"journal: format {record['format']}, this version reads {FORMAT}")
        self.epoch_ms = record["epoch_ms"]

    def _read_clock(self, record: Record) -> None:
        self.clock = ClockState.from_record(record)

    def _read_opened(self, record: Record) -> None:
        self._market.books.open_account(record["login"])
        self._read_transactions(record)

    def _read_reset(self, record: Record) -> None:
        self._market.books.empty(record["login"])
        self._read_transactions(record)

    def _read_transaction(self, record: Record) -> None:
        self._market.books.apply(Transaction.from_record(record))

    def _read_rollover(self, record: Record) -> None:
        self._read_transactions(record)
        self.rolled_day = record["day"]

    def _read_transactions(self, record: Record) -> None:
        for transaction in record.get("transactions", ()):
            self._read_transaction(transaction)

    def _read_quote(self, record: Record) -> None:
        self.quotes[record["symbol"]] = (Decimal(record["bid"]), Decimal(record["ask"]))

    def _read_release(self, _: Record) -> None:
        self.quotes.clear()
