"""Inbox of the in-memory ledger: arrival, lease, and reading; the moves of orders are in `memory_orders`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.domain.account import AccountStatus
from mt5fleet.domain.errors import Conflict, LeaseLost, LedgerError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Lane
from mt5fleet.domain.record import Backlog, Event, EventType, OrderRecord
from mt5fleet.ports.ledger import Acquired, Pushed, PushResult
from mt5fleet.testing.memory_store import AccountSlot, MemoryStore, OrderSlot, account_stream, stored

UNSENT = frozenset({OrderState.RECEIVED, OrderState.NOT_SENT})
UNSETTLED = frozenset({OrderState.SUBMITTING, OrderState.IN_DOUBT})


class MemoryInbox(MemoryStore, ABC):
    """Waiting commands and leases of accounts."""

    def push(self, account: str, intake_token: int, commands: tuple[Command, ...]) -> Pushed:
        with self._lock:
            slot = self._account(account)
            self._check_order(slot, account, intake_token, commands)
            results = tuple(self._push_one(slot, command) for command in commands)
            wake = any(slot.lanes.values()) and self._claim_wake(slot.lease, self._settings.wake_ms)
            return Pushed(results=results, wake=wake)

    def push_many(
        self, intake_token: int, commands: dict[str, tuple[Command, ...]]
    ) -> dict[str, Pushed | LedgerError]:
        with self._lock:
            return {name: self._push_or_error(name, intake_token, group) for name, group in commands.items()}

    def _push_or_error(self, account: str, token: int, commands: tuple[Command, ...]) -> Pushed | LedgerError:
        try:
            return self.push(account, token, commands)
        except LedgerError as error:
            return error

    def _check_order(
        self, slot: AccountSlot, account: str, token: int, commands: tuple[Command, ...]
    ) -> None:
        if token < slot.intake_token:
            raise LeaseLost(f"intake token {token}: a newer one has pushed to {account}")
        newest = slot.intake_seq
        for command in commands:
            if command.key in slot.orders:
                continue
            if command.seq < newest:
                raise Conflict(f"inbox of {account}: sequence {command.seq} is older than the newest one")
            newest = command.seq
        slot.intake_token, slot.intake_seq = token, newest

    def _push_one(self, slot: AccountSlot, command: Command) -> PushResult:
        if command.key in slot.orders:
            return PushResult.EXISTS
        now = self._now_us()
        slot.arrival_us = max(slot.arrival_us + 1, now)
        new = replace(stored(command), state=OrderState.RECEIVED)
        order = slot.orders[command.key] = OrderSlot(command=new, arrival_us=slot.arrival_us)
        numbers = {"seq": str(new.seq), "verb": new.verb.value, "part": str(new.part)}
        self._note(EventType.ORDER_RECEIVED, new, numbers)
        slot.lanes[command.lane][command.key] = order.arrival_us
        return PushResult.PUSHED

    def _note(self, kind: EventType, command: Command, numbers: dict[str, str]) -> None:
        event = Event(
            type=kind, account=command.account, signal_id=command.signal_id, key=command.key, numbers=numbers
        )
        self._write_event(account_stream(command.account), event)

    def _cancel(self, order: OrderSlot, sentence: str) -> None:
        order.command = replace(order.command, state=OrderState.CANCELED, envelope="")
        order.sentence, order.finished_at = sentence, self.now()

    def acquire(self, account: str, owner: str, ttl_ms: int) -> Acquired | None:
        with self._lock:
            slot = self._account(account)
            lease = self._grant(slot.lease, account, owner, ttl_ms)
            if lease is None:
                return None
            self._count_takeover(slot)
            left = tuple(
                command for keys in (slot.sent, slot.doubt) for command in self._commands(slot, keys)
            )
            return Acquired(lease=lease, status=self.account_status(account), left=left)

    @abstractmethod
    def account_status(self, account: str) -> AccountStatus:
        """State, latch and memory of an account."""

    def _count_takeover(self, slot: AccountSlot) -> None:
        """An unsent command leaves the hand: it counts again only when the new owner takes it."""
        order = slot.orders.get(slot.hand)
        if order is None:
            slot.hand = ""
            return
        order.command = replace(order.command, takeovers=order.command.takeovers + 1)
        if order.command.state in UNSENT:
            slot.hand = ""

    def next(self, lease: Lease) -> Command | None:
        with self._lock:
            self._renew(self._need_live(lease))
            slot = self._account(lease.resource)
            key = self._runnable(slot)
            if key is None:
                return None
            slot.hand = key
            return slot.orders[key].command

    def _runnable(self, slot: AccountSlot) -> str | None:
        urgent = _oldest_first(slot.lanes[Lane.URGENT])[: self._settings.urgent_scan_max]
        for key in urgent:
            if self._ready(slot, slot.orders[key]):
                return key
        for key in _oldest_first(slot.lanes[Lane.NORMAL])[:1]:
            order = slot.orders[key]
            blocked = order.command.is_open and bool(slot.doubt)
            return key if not blocked and self._ready(slot, order) else None
        return None

    def _ready(self, slot: AccountSlot, order: OrderSlot) -> bool:
        if order.command.state not in UNSENT or order.not_before_us > self._now_us():
            return False
        opening = slot.orders.get(order.command.opening_key or "")
        if opening is None:
            return True
        state = opening.command.state
        return state not in UNSETTLED and not (order.waits_open and state in UNSENT)

    def fix_plan(self, lease: Lease, signal_id: str, plan: str) -> str:
        with self._lock:
            self._need_newest(lease)
            return self._account(lease.resource).plans.setdefault(signal_id, plan)

    def release(self, lease: Lease, *, force: bool) -> bool:
        with self._lock:
            lease_slot = self._need_newest(lease)
            slot = self._account(lease.resource)
            if lease_slot.deadline_us and not force and self._runnable(slot) is not None:
                return False
            if lease_slot.deadline_us:
                lease_slot.owner, lease_slot.deadline_us, slot.hand = "", 0, ""
            return True

    def abandon_in_hand(self, lease: Lease) -> None:
        with self._lock:
            self._need_newest(lease)
            self._account(lease.resource).hand = ""

    def raise_token(self, account: str, above: int) -> None:
        with self._lock:
            slot = self._account(account).lease
            slot.floor = max(slot.floor, above)

    def backlog(self, accounts: tuple[str, ...]) -> tuple[Backlog, ...]:
        with self._lock:
            return tuple(self._backlog(name) for name in accounts)

    def _backlog(self, name: str) -> Backlog:
        slot = self._account(name)
        return Backlog(
            account=name,
            urgent=len(slot.lanes[Lane.URGENT]),
            normal=len(slot.lanes[Lane.NORMAL]),
            in_doubt=len(slot.doubt),
            oldest_urgent_at=_first(slot.lanes[Lane.URGENT].values()),
            oldest_normal_at=_first(slot.lanes[Lane.NORMAL].values()),
            oldest_doubt_at=_first(slot.orders[key].arrival_us for key in slot.doubt),
            owned=slot.lease.deadline_us > self._now_us(),
            flatten_due=slot.guard.halted and slot.guard.flatten_due,
        )

    def mark_woken(self, account: str, for_ms: int) -> bool:
        with self._lock:
            return self._claim_wake(self._account(account).lease, for_ms)

    def order(self, account: str, key: str) -> OrderRecord | None:
        with self._lock:
            order = self._account(account).orders.get(key)
            return None if order is None else _record(order)

    def command(self, account: str, key: str) -> Command | None:
        with self._lock:
            order = self._account(account).orders.get(key)
            return None if order is None else order.command

    def resting(self, account: str) -> tuple[Command, ...]:
        with self._lock:
            slot = self._account(account)
            return self._commands(slot, slot.resting)[: self._settings.resting_max]

    def _commands(self, slot: AccountSlot, keys: set[str]) -> tuple[Command, ...]:
        oldest_first = sorted(keys, key=lambda key: slot.orders[key].arrival_us)
        return tuple(slot.orders[key].command for key in oldest_first)


def _first(arrivals_us: Iterable[int]) -> datetime | None:
    oldest_us = min(arrivals_us, default=None)
    return None if oldest_us is None else from_us(oldest_us)


def _oldest_first(lane: dict[str, int]) -> list[str]:
    return sorted(lane, key=lane.__getitem__)


def _record(order: OrderSlot) -> OrderRecord:
    command = order.command
    return OrderRecord(
        account=command.account,
        signal_id=command.signal_id,
        part=command.part,
        key=command.key,
        state=command.state,
        attempt=command.attempt,
        reason=order.reason,
        sentence=order.sentence,
        outcome=order.outcome,
        goal=command.goal,
        received_at=from_us(order.arrival_us),
        begun_at=command.begun_at,
        finished_at=order.finished_at,
    )
