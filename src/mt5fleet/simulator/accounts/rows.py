"""The broker's records: orders, positions and deals, and the one unit in which they change.

Invariants: a ticket is never given twice; a record in the history never changes; a `Transaction` is
applied whole or not at all. Times are milliseconds of *server* time, the server's wall clock written as
if it were UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar, Self, TypeAlias

from mt5fleet.simulator.codes import DealType, Entry, Filling, OrderState, OrderType, Reason, TimeType

Plain: TypeAlias = str | int
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An instruction; active while its state is not final, then history."""

    KIND: ClassVar[str] = "order"
    ticket: int
    symbol: str
    type: OrderType
    state: OrderState
    volume_initial: Decimal
    volume_current: Decimal
    price_open: Decimal = ZERO
    price_current: Decimal = ZERO
    price_stoplimit: Decimal = ZERO
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    type_time: TimeType = TimeType.GTC
    type_filling: Filling = Filling.FOK
    magic: int = 0
    position_id: int = 0
    position_by_id: int = 0
    reason: Reason = Reason.EXPERT
    comment: str = ""
    time_setup_ms: int
    time_done_ms: int = 0
    expires_s: int = 0  # server seconds, 0 = never

    def to_row(self) -> dict[str, Plain]:
        return _to_row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Plain]) -> Self:
        return cls(**_read(_ORDER_READERS, row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open exposure; `rate_margin` turns its margin currency into the account's, fixed when opened."""

    KIND: ClassVar[str] = "position"
    ticket: int
    symbol: str
    type: OrderType
    volume: Decimal
    price_open: Decimal
    rate_margin: Decimal
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    swap: Decimal = ZERO
    magic: int = 0
    identifier: int
    reason: Reason = Reason.EXPERT
    comment: str = ""
    time_ms: int
    time_update_ms: int

    def to_row(self) -> dict[str, Plain]:
        return _to_row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Plain]) -> Self:
        return cls(**_read(_POSITION_READERS, row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An execution or a balance operation; the balance is the sum of all deals."""

    KIND: ClassVar[str] = "deal"
    ticket: int
    order: int = 0
    symbol: str = ""
    type: DealType
    entry: Entry = Entry.IN
    volume: Decimal = ZERO
    price: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    profit: Decimal = ZERO
    fee: Decimal = ZERO
    magic: int = 0
    position_id: int = 0
    reason: Reason = Reason.CLIENT
    comment: str = ""
    time_ms: int

    @property
    def cash(self) -> Decimal:
        """Return what the deal adds to the balance."""
        return self.profit + self.commission + self.swap + self.fee

    def to_row(self) -> dict[str, Plain]:
        return _to_row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Plain]) -> Self:
        return cls(**_read(_DEAL_READERS, row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The end of a position."""

    KIND: ClassVar[str] = "closed"
    ticket: int
    symbol: str

    def to_row(self) -> dict[str, Plain]:
        return _to_row(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Plain]) -> Self:
        return cls(ticket=int(row["ticket"]), symbol=str(row["symbol"]))


Change: TypeAlias = Order | Position | Deal | Closed
_CHANGE_TYPES: dict[str, type[Order | Position | Deal | Closed]] = {
    change.KIND: change for change in (Order, Position, Deal, Closed)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Everything one event changes on one account, journaled as one line."""

    login: int
    time_ms: int
    changes: tuple[Change, ...]

    def to_record(self) -> dict[str, object]:
        changes = [[change.KIND, change.to_row()] for change in self.changes]
        return {"kind": "transaction", "login": self.login, "time_ms": self.time_ms, "changes": changes}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        changes = tuple(_CHANGE_TYPES[kind].from_row(row) for kind, row in record["changes"])
        return cls(login=record["login"], time_ms=record["time_ms"], changes=changes)


def _to_row(change: Change) -> dict[str, Plain]:
    # Each order passes here several times: values are read and turned plain in as few steps as possible.
    columns = _COLUMNS[type(change)]
    values = columns.values_of(change)
    plain = [write(value) for write, value in zip(columns.writers, values, strict=True)]
    return dict(zip(columns.names, plain, strict=True))


@dataclass(frozen=True, slots=True)
class _Columns:
    """How a record is written, column by column."""

    names: tuple[str, ...]
    writers: tuple[Callable[[Any], Plain], ...]
    values_of: Callable[[Change], tuple[Any, ...]]

    @classmethod
    def of(cls, change: type[Change]) -> Self:
        names = tuple(field.name for field in fields(change))
        return cls(names, tuple(_writer_of(field.type) for field in fields(change)), attrgetter(*names))


def _writer_of(declared: object) -> Callable[[Any], Plain]:
    if declared in (Decimal, str):
        return str
    if isinstance(declared, type) and issubclass(declared, int):
        return int  # numbers and the vendor's enumerations
    raise TypeError(f"{declared!r} has no plain form")


def _readers(change: type[Change]) -> dict[str, Callable[[Plain], object]]:
    return {field.name: _reader_of(field.type) for field in fields(change)}


def _reader_of(declared: object) -> Callable[[Any], object]:
    if not callable(declared):
        raise TypeError(f"{declared!r} cannot read a plain value")
    return declared


def _read(readers: Mapping[str, Callable[[Any], object]], row: Mapping[str, Plain]) -> dict[str, Any]:
    return {name: readers[name](value) for name, value in row.items()}


_COLUMNS: dict[type[Change], _Columns] = {
    change: _Columns.of(change) for change in (Order, Position, Deal, Closed)
}
_ORDER_READERS = _readers(Order)
_POSITION_READERS = _readers(Position)
_DEAL_READERS = _readers(Deal)
