"""What a restarted broker reads back from its journal."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from mt5fleet.simulator.accounts.rows import Transaction
from mt5fleet.simulator.host.journal import JournalError
from mt5fleet.simulator.market import Market

FORMAT = 1


class Memory:
    """Replays past records into the market's books; keeps the price epoch and the quotes set by hand.

    Raises:
        JournalError: A record is of an unknown kind or format.
    """

    def __init__(self, market: Market, past: Iterable[Mapping[str, Any]]) -> None:
        self.epoch_ms = 0
        self.rolled_day: int | None = None  # the newest server day whose rollover is booked
        self.quotes: dict[str, tuple[Decimal, Decimal]] = {}
        for record in past:
            self._replay(market, record)

    def _replay(self, market: Market, record: Mapping[str, Any]) -> None:
        match record.get("kind"):
            case "transaction":
                market.books.apply(Transaction.from_record(record))
            case "rollover":
                for transaction in record["transactions"]:
                    market.books.apply(Transaction.from_record(transaction))
                self.rolled_day = record["day"]
            case "opened":
                market.books.open_account(record["login"])
            case "reset":
                market.books.empty(record["login"])
            case "quote":
                self.quotes[record["symbol"]] = (Decimal(record["bid"]), Decimal(record["ask"]))
            case "quotes_released":
                self.quotes.clear()
            case "started":
                self._read_start(record)
            case kind:
                raise JournalError(f"journal: unknown record kind {kind!r}; written by a newer version?")

    def _read_start(self, record: Mapping[str, Any]) -> None:
        if record["format"] != FORMAT:
            raise JournalError(f"journal: format {record['format']}, this version reads {FORMAT}")
        self.epoch_ms = record["epoch_ms"]
