"""Moves of orders in the in-memory ledger: written ahead by `begin`, settled by `finish`."""

from dataclasses import dataclass, replace

from mt5fleet.adapters.redis.microtime import from_us, to_us
from mt5fleet.adapters.redis.wording import CANCELED_UNSENT
from mt5fleet.domain.errors import InvalidTransition
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import FINAL, OrderState, advance
from mt5fleet.domain.order import Outcome
from mt5fleet.domain.record import Alert, Event, EventType
from mt5fleet.domain.signal import Verb
from mt5fleet.ports.ledger import BeginRefusal, Begun
from mt5fleet.testing.memory_inbox import UNSENT, UNSETTLED, MemoryInbox
from mt5fleet.testing.memory_store import AccountSlot, LeaseSlot, OrderSlot, account_stream

_WAITS = frozenset({OrderState.RECEIVED, OrderState.NOT_SENT})  # on the inbox
_RESTS = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What one `begin` asks for."""

    key: str
    adds_risk: bool
    goal: str | None
    full: bool
    deadline_ms: int
    attempts_max: int


class MemoryOrders(MemoryInbox):
    """The two writes around every send."""

    def begin(
        self,
        lease: Lease,
        key: str,
        *,
        adds_risk: bool,
        goal: str | None,
        full: bool,
        deadline_ms: int,
        attempts_max: int,
    ) -> Begun | BeginRefusal:
        wish = _Wish(
            key=key,
            adds_risk=adds_risk,
            goal=goal,
            full=full,
            deadline_ms=deadline_ms,
            attempts_max=attempts_max,
        )
        with self._lock:
            lease_slot = self._need_live(lease)
            slot = self._account(lease.resource)
            order = slot.orders.get(key)
            if order is None:
                return BeginRefusal.STATE
            if order.command.state is OrderState.SUBMITTING and order.token == lease.token:
                return _begun(order)
            refusal = self._refusal(slot, order, wish)
            return refusal if refusal is not None else self._begin(slot, lease_slot, order, wish)

    def _refusal(self, slot: AccountSlot, order: OrderSlot, wish: _Wish) -> BeginRefusal | None:
        command = order.command
        if command.state not in UNSENT:
            return BeginRefusal.STATE
        if command.is_open and slot.tombstones.get(command.key, 0) > self._now_us():
            return BeginRefusal.WITHDRAWN
        if wish.adds_risk and to_us(command.valid_until) <= self._now_us():
            return BeginRefusal.EXPIRED
        if command.attempt >= wish.attempts_max:
            return BeginRefusal.ATTEMPTS
        blocked = _blocked(slot) if wish.adds_risk else None
        return blocked if blocked is not None else _opening_refusal(slot, order, wish)

    def _begin(self, slot: AccountSlot, lease: LeaseSlot, order: OrderSlot, wish: _Wish) -> Begun:
        order.opening_known, order.opening_canceled = self._meet_opening(slot, order, wish)
        now = self._now_us()
        command = order.command
        order.not_after_us = now + wish.deadline_ms * 1_000
        if wish.adds_risk:
            order.not_after_us = min(order.not_after_us, to_us(command.valid_until))
        order.token = lease.token
        order.command = replace(
            command,
            state=OrderState.SUBMITTING,
            attempt=command.attempt + 1,
            begun_at=from_us(now),
            goal=wish.goal if command.goal is None else command.goal,
        )
        slot.sent.add(command.key)
        slot.hand = command.key
        self._renew(lease, wish.deadline_ms + self._settings.lease_slack_ms)
        numbers = {"attempt": str(order.command.attempt), "token": str(lease.token)}
        self._note(EventType.ORDER_BEGUN, command, numbers | {"deadline_ms": str(wish.deadline_ms)})
        return _begun(order)

    def _meet_opening(self, slot: AccountSlot, order: OrderSlot, wish: _Wish) -> tuple[bool, bool]:
        """Whether the opening is known, and whether it was cancelled here; unknown ones get a tombstone."""
        key, verb = order.command.opening_key, order.command.verb
        if key is None:
            return True, False
        opening = slot.orders.get(key)
        if opening is None:
            if verb in {Verb.CLOSE, Verb.CANCEL}:
                slot.tombstones[key] = self._now_us() + self._settings.tombstone_keep_ms * 1_000
            return False, False
        if opening.command.state not in UNSENT:
            return True, False
        self._leave_inbox(slot, opening)
        self._cancel(opening, CANCELED_UNSENT)
        self._note(EventType.ORDER_CANCELED, opening.command, {"by": order.command.key})
        return True, True

    def _leave_inbox(self, slot: AccountSlot, order: OrderSlot) -> None:
        slot.lanes[order.command.lane].pop(order.command.key, None)

    def finish(
        self,
        lease: Lease,
        key: str,
        outcome: Outcome,
        *,
        reason: str,
        events: tuple[Event, ...],
        alert: Alert | None,
        retry_after_ms: int,
    ) -> OrderState:
        with self._lock:
            lease_slot = self._need_newest(lease)
            slot = self._account(lease.resource)
            order = slot.orders.get(key)
            if order is None:
                raise InvalidTransition(f"no order {key} on {lease.resource}")
            if order.command.state is outcome.state and order.outcome == outcome:
                return outcome.state
            self._settle(slot, order, outcome, reason)
            order.not_before_us = (
                self._now_us() + retry_after_ms * 1_000 if outcome.state is OrderState.NOT_SENT else 0
            )
            if slot.hand == key:
                slot.hand = ""
            self._renew(lease_slot)
            for event in events:
                self._write_event(account_stream(lease.resource), event)
            self._write_alert(account_stream(lease.resource), alert)
            return outcome.state

    def _settle(self, slot: AccountSlot, order: OrderSlot, outcome: Outcome, reason: str) -> None:
        if outcome.state is OrderState.SUBMITTING:
            raise InvalidTransition("only a begin moves an order to SUBMITTING")
        state = advance(order.command.state, outcome.state)
        order.command = replace(order.command, state=state, takeovers=0)
        order.reason, order.sentence, order.outcome = reason, outcome.sentence, outcome
        _place(slot, order)
        if state in FINAL:
            order.finished_at = self.now()
            order.command = replace(order.command, envelope="")


def _begun(order: OrderSlot) -> Begun:
    command = order.command
    if command.begun_at is None:
        raise InvalidTransition(f"order {command.key} is SUBMITTING without a begin")
    return Begun(
        attempt=command.attempt,
        begun_at=command.begun_at,
        not_after=from_us(order.not_after_us),
        goal=command.goal,
        opening_canceled=order.opening_canceled,
        opening_known=order.opening_known,
    )


def _blocked(slot: AccountSlot) -> BeginRefusal | None:
    if slot.guard.halted:
        return BeginRefusal.HALTED
    if slot.guard.reducing:
        return BeginRefusal.REDUCING
    return BeginRefusal.DOUBT if slot.doubt else None


def _opening_refusal(slot: AccountSlot, order: OrderSlot, wish: _Wish) -> BeginRefusal | None:
    """What speaks of an opening on its way waits for it; a partial close or modify also for an unsent one."""
    opening = slot.orders.get(order.command.opening_key or "")
    if opening is None:
        return None
    if opening.command.state in UNSETTLED:
        return BeginRefusal.OPENING_UNSETTLED
    verb = order.command.verb
    cancels = verb is Verb.CANCEL or (verb is Verb.CLOSE and wish.full)
    if opening.command.state in UNSENT and not cancels:
        order.waits_open = True
        return BeginRefusal.OPENING_UNSETTLED
    return None


def _place(slot: AccountSlot, order: OrderSlot) -> None:
    """Put the order where its state belongs: on the inbox at its old place, in doubt, or resting."""
    key, state = order.command.key, order.command.state
    slot.sent.discard(key)
    for member, states in ((slot.doubt, {OrderState.IN_DOUBT}), (slot.resting, _RESTS)):
        if state in states:
            member.add(key)
        else:
            member.discard(key)
    lane = slot.lanes[order.command.lane]
    if state in _WAITS:
        lane[key] = order.arrival_us
    else:
        lane.pop(key, None)
