"""Values for tests, valid as they are; each function takes what its test speaks of and fills in the rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mt5fleet.domain.account import Account, GuardMemory, Limits, Producer, ProducerKey, Rights
from mt5fleet.domain.broker import Deal, DealEntry, Health, Mode, Position, Quote, Reading
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.order import OpenOrder
from mt5fleet.domain.signal import (
    Approval,
    Cancel,
    Close,
    Entry,
    Instruction,
    Modify,
    Open,
    Side,
    Signal,
    Size,
    SizeRule,
    TakeProfit,
    Targets,
)
from mt5fleet.messages import Algorithm, SigningKey, sign
from mt5fleet.ports.journal import JournalEntry

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # where ManualClock begins
_LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
PRODUCER = "desk"
SIGNING_KEY = SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=bytes(range(32)))
ORDER_KEY = "a" * 64


def make_account(name: str = "alpha", *, login: int = 1, limits: Limits | None = None) -> Account:
    """An account of the simulated broker; change the rest with `dataclasses.replace`."""
    return Account(
        name=name,
        server="Simulator-Demo",
        login=login,
        mode=Mode.DEMO,
        base_lots=Decimal("0.10"),
        limits=Limits() if limits is None else limits,
    )


def make_rights(**changes: object) -> Rights:
    """All accounts and symbols, unless changed."""
    return replace(Rights(accounts=("*",)), **changes)  # type: ignore[arg-type]  # names checked by replace


def make_producer(rights: Rights | None = None, *, key: SigningKey = SIGNING_KEY) -> Producer:
    """A producer whose key is good for ever."""
    public = ProducerKey(
        key_id=key.key_id, algorithm=key.algorithm.value, public=key.public, valid_from=_LONG_AGO
    )
    return Producer(name=PRODUCER, keys=(public,), rights=make_rights() if rights is None else rights)


def make_open(
    symbol: str = "EURUSD",
    side: Side = Side.BUY,
    *,
    lots: str = "0.10",
    shares: tuple[str, ...] = ("1",),
    entry: Entry = Entry.MARKET,
    price: str | None = None,
    stop_loss: str | None = "1.09000",
    take_profit: str | None = "1.12000",
) -> Open:
    """A market buy of EURUSD that fits the fake gateway's quote of 1.10000/1.10010."""
    return Open(
        symbol=symbol,
        side=side,
        entry=entry,
        price=None if price is None else Decimal(price),
        tolerance=None,
        size=Size(rule=SizeRule.LOTS, value=Decimal(lots)),
        stop_loss=None if stop_loss is None else Decimal(stop_loss),
        take_profits=tuple(
            TakeProfit(price=None if take_profit is None else Decimal(take_profit), share=Decimal(share))
            for share in shares
        ),
    )


def make_signal(
    signal_id: str = "S1",
    instruction: Instruction | None = None,
    *,
    accounts: tuple[str, ...] = ("alpha",),
    groups: tuple[str, ...] = (),
    created_at: datetime = START,
    valid_s: float = 60.0,
) -> Signal:
    """An approved signal of the producer `desk`."""
    return Signal(
        id=signal_id,
        producer=PRODUCER,
        created_at=created_at,
        valid_until=created_at + timedelta(seconds=valid_s),
        targets=Targets(accounts=accounts, groups=groups),
        instruction=make_open() if instruction is None else instruction,
        approval=Approval(by="anna", at=created_at),
    )


def make_close(opening_id: str = "S1", *, share: str | None = None, lots: str | None = None) -> Close:
    """A close of everything, unless a measure is given."""
    return Close(
        opening_id=opening_id,
        share=None if share is None else Decimal(share),
        volume_lots=None if lots is None else Decimal(lots),
    )


def make_cancel(opening_id: str = "S1") -> Cancel:
    """A cancel."""
    return Cancel(opening_id=opening_id)


def make_modify(opening_id: str = "S1", *, stop_loss: str) -> Modify:
    """A modify of the stop."""
    return Modify(opening_id=opening_id, stop_loss=Decimal(stop_loss))


def signed(signal: Signal, key: SigningKey = SIGNING_KEY) -> str:
    """The envelope of a signal."""
    return sign(signal, key)


def no_secret(name: str) -> bytes:
    """For tests without HMAC keys: asked for a secret, it fails."""
    raise KeyError(name)


def make_open_order(**changes: object) -> OpenOrder:
    """A market buy of 0.10 EURUSD, unless changed."""
    order = OpenOrder(
        symbol="EURUSD",
        side=Side.BUY,
        entry=Entry.MARKET,
        volume=Decimal("0.10"),
        price=None,
        tolerance=None,
        stop_loss=Decimal("1.05"),
        take_profit=None,
        magic=1 << 52,
        comment="mf.x.0",
        created_at=START,
        expires_at=None,
    )
    return replace(order, **changes)  # type: ignore[arg-type]  # names checked by replace


def make_entry(
    attempt: int = 1,
    key: str = ORDER_KEY,
    token: int = 3,
    operation: str = "submit",
    *,
    written_at: datetime = START,
) -> JournalEntry:
    """A line of the journal as it is written ahead of a call."""
    return JournalEntry(
        key=key,
        attempt=attempt,
        token=token,
        operation=operation,
        request='{"asked": {}}',
        written_at=written_at,
        outcome=None,
        tombstone=False,
    )


def make_reading(
    equity: str = "10000", balance: str = "10000", *, account: str = "alpha", at: datetime = START
) -> Reading:
    """A reading without open positions."""
    return Reading(
        account=account,
        at=at,
        source="test",
        currency="USD",
        balance=Decimal(balance),
        equity=Decimal(equity),
        credit=Decimal(0),
        margin=Decimal(0),
        margin_free=Decimal(equity),
        profit=Decimal(equity) - Decimal(balance),
        leverage=100,
        positions=0,
        orders=0,
    )


def make_memory(peak: str = "10000", first_balance: str = "10000", *, at: datetime = START) -> GuardMemory:
    """Guard memory whose last balance is the first one."""
    return GuardMemory(
        peak_equity=Decimal(peak),
        first_balance=Decimal(first_balance),
        last_equity=Decimal(peak),
        last_balance=Decimal(first_balance),
        last_at=at,
        cash_flow_total=Decimal(0),
        sequence=1,
    )


def make_deal(ticket: int, result: str, *, entry: DealEntry = DealEntry.NONE, at: datetime = START) -> Deal:
    """A balance operation, unless another entry is given."""
    return Deal(
        ticket=ticket,
        order=0,
        position=0,
        symbol="" if entry is DealEntry.NONE else "EURUSD",
        side=None if entry is DealEntry.NONE else Side.BUY,
        entry=entry,
        volume=Decimal(0),
        price=Decimal(0),
        profit=Decimal(result),
        swap=Decimal(0),
        commission=Decimal(0),
        fee=Decimal(0),
        magic=0,
        reason=0,
        comment="",
        at=at,
    )


def make_quote(bid: str = "1.10000", ask: str = "1.10010", *, at: datetime = START) -> Quote:
    """A quote of EURUSD."""
    return Quote(symbol="EURUSD", bid=Decimal(bid), ask=Decimal(ask), at=at)


def make_position(
    side: Side = Side.BUY, *, stop_loss: str | None = "1.09000", volume: str = "0.10", magic: int = 1
) -> Position:
    """An open position of EURUSD."""
    return Position(
        ticket=1,
        symbol="EURUSD",
        side=side,
        volume=Decimal(volume),
        price_open=Decimal("1.10000"),
        price_current=Decimal("1.10000"),
        stop_loss=None if stop_loss is None else Decimal(stop_loss),
        take_profit=None,
        profit=Decimal(0),
        swap=Decimal(0),
        magic=magic,
        comment="",
        opened_at=START,
    )


def make_health(*, mode: Mode | None = Mode.DEMO, latched: bool = False) -> Health:
    """A connected terminal that may trade."""
    return Health(
        connected=True,
        trade_allowed=True,
        why_not=(),
        login=1,
        server="Simulator-Demo",
        company="test",
        mode=mode,
        build=5000,
        server_offset_s=0,
        journal_id="journal-alpha",
        newest_token=0,
        latch=Latch(sequence=1, reason="drawdown", at=START) if latched else None,
        bridge_at=START,
        version="test",
    )
