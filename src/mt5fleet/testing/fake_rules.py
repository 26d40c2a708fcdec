"""The fake gateway's decisions, apart from the real gateway's so that one mistake is not made twice."""

from decimal import Decimal

from mt5fleet.domain.broker import Position, RestingOrder
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit, Retry
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.memory_journal import MemoryJournal

KEY_CHARS = 64  # an order key is the hexadecimal text of a SHA-256
_UNCLEAR = (OrderState.NOT_SENT, OrderState.IN_DOUBT)


def require_order_key(key: str) -> int:
    """The magic of an order key; ValueRefused for any other text."""
    if len(key) != KEY_CHARS or set(key) - set("0123456789abcdef"):
        raise ValueRefused("permit.key", f"must be an order key: {KEY_CHARS} hexadecimal digits")
    return magic_of(key)


def not_sent(
    sentence: str, retry: Retry, *, retcode: int | None = None, denial: DenialReason | None = None
) -> Outcome:
    """Proved not executed."""
    return Outcome(
        state=OrderState.NOT_SENT,
        sentence=f"not sent: {sentence}",
        retry=retry,
        retcode=retcode,
        denial=denial,
    )


def applied(sentence: str, *, existed: bool) -> Outcome:
    """The goal is true."""
    return Outcome(state=OrderState.APPLIED, sentence=sentence, existed=existed)


def journal_answer(journal: MemoryJournal, permit: Permit) -> Outcome | None:
    """What the journal alone says about sending this attempt; None when it may be sent."""
    entries = journal.entries(permit.key)
    for entry in entries:
        if entry.outcome is not None and entry.outcome.state not in _UNCLEAR:
            return entry.outcome
    if unsettled(journal, permit.key):
        return Outcome(state=OrderState.IN_DOUBT, sentence="an earlier attempt is not settled")
    if any(entry.attempt >= permit.attempt for entry in entries):
        return not_sent("this attempt is closed for ever", Retry.AFTER_DELAY)
    return None


def unsettled(journal: MemoryJournal, key: str) -> list[JournalEntry]:
    """Attempts that were handed to the terminal and have no certain end."""
    return [entry for entry in journal.entries(key) if not entry.tombstone and _unclear(entry)]


def _unclear(entry: JournalEntry) -> bool:
    return entry.outcome is None or entry.outcome.state is OrderState.IN_DOUBT


def broker_trace(book: FakeAccount, magic: int, order: OpenOrder | None) -> Outcome | None:
    """What the broker's records say about a magic; IN_DOUBT when they speak of another order."""
    if any(item.magic == magic and item.operation in ("modify", "cancel") for item in book.executed):
        return applied("the broker has done it", existed=True)
    resting = next((item for item in book.orders.values() if item.magic == magic), None)
    if resting is not None:
        return _clash(resting, order) or _rests(resting)
    ended = next((item for item in book.ended if item[1].magic == magic), None)
    if ended is not None and ended[0] is not OrderState.FILLED:
        return _clash(ended[1], order) or _ended(*ended)
    return _filled(book, magic, order)


def _rests(resting: RestingOrder) -> Outcome:
    return Outcome(
        state=OrderState.ACCEPTED,
        sentence=f"order {resting.ticket} rests at {resting.price}",
        order_ticket=resting.ticket,
        price=resting.price,
        broker_at=resting.placed_at,
    )


def _ended(state: OrderState, resting: RestingOrder) -> Outcome:
    return Outcome(state=state, sentence=f"order {resting.ticket} has ended", order_ticket=resting.ticket)


def _filled(book: FakeAccount, magic: int, order: OpenOrder | None) -> Outcome | None:
    deal = next((deal for deal in book.deals if deal.magic == magic), None)
    if deal is None or deal.side is None:
        return None
    fits = order is None or (order.symbol == deal.symbol and order.side is deal.side)
    if not fits or (order is not None and order.volume < deal.volume):
        return _key_clash()
    full = order is None or order.volume == deal.volume
    return Outcome(
        state=OrderState.FILLED if full else OrderState.CANCELED,
        sentence=f"filled {deal.volume} lots at {deal.price}",
        order_ticket=deal.order,
        deal_ticket=deal.ticket,
        position_ticket=deal.position,
        volume=deal.volume,
        price=deal.price,
        broker_at=deal.at,
    )


def _clash(resting: RestingOrder, order: OpenOrder | None) -> Outcome | None:
    if order is None or (order.symbol, order.side, order.volume) == (
        resting.symbol,
        resting.side,
        resting.volume,
    ):
        return None
    return _key_clash()


def _key_clash() -> Outcome:
    return Outcome(
        state=OrderState.IN_DOUBT, sentence="key clash: the broker shows another order under this key"
    )


def find_position(book: FakeAccount, ticket: int | None, magic: int | None) -> Position | None:
    """The position named by ticket or by the magic of its opening order."""
    if ticket is not None:
        return book.positions.get(ticket)
    return next((item for item in book.positions.values() if item.magic == magic), None)


def find_order(book: FakeAccount, ticket: int | None, magic: int | None) -> RestingOrder | None:
    """The resting order named by ticket or by magic."""
    if ticket is not None:
        return book.orders.get(ticket)
    return next((item for item in book.orders.values() if item.magic == magic), None)


def close_volume(position: Position, remaining: Decimal) -> Decimal:
    """Lots to close so that `remaining` are left; 0 when the goal is reached."""
    return max(position.volume - remaining, Decimal(0))
