"""Inboxes on Redis: waiting commands, leases, and the two writes around every send."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mt5fleet.adapters.redis.answers import (
    COMMAND_FIELDS,
    ORDER_FIELDS,
    alert_arguments,
    command_of,
    event_arguments,
    order_of,
    status_of,
)
from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.keys import account_tag
from mt5fleet.adapters.redis.microtime import from_us, to_us
from mt5fleet.adapters.redis.store import Answer, Argument, Call, given, int_of, listed, text_of
from mt5fleet.codec import encode
from mt5fleet.domain.errors import FleetError, LedgerError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import FINAL, OrderState
from mt5fleet.domain.order import Command, Outcome
from mt5fleet.domain.record import Alert, Backlog, Event, OrderRecord
from mt5fleet.ports.ledger import Acquired, BeginRefusal, Begun, Pushed, PushResult

_RESTS = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


class RedisInbox(Part):
    """One hash slot per account; each operation is one script."""

    def push(self, account: str, intake_token: int, commands: tuple[Command, ...]) -> Pushed:
        call = self._push_call(account, intake_token, commands)
        return _pushed(self._store.run(call.script, call.base, *call.arguments))

    def push_many(
        self, intake_token: int, commands: dict[str, tuple[Command, ...]]
    ) -> dict[str, Pushed | LedgerError]:
        calls = [self._push_call(name, intake_token, group) for name, group in commands.items()]
        answers = self._store.run_many(calls)
        return {name: _pushed_or_error(answer) for name, answer in zip(commands, answers, strict=True)}

    def _push_call(self, account: str, token: int, commands: tuple[Command, ...]) -> Call:
        rows = (part for command in commands for part in _row(command))
        return Call("push", self._keys.account(account), (account, token, *rows))

    def acquire(self, account: str, owner: str, ttl_ms: int) -> Acquired | None:
        answer = self._store.run("acquire", self._keys.account(account), owner, self._nonce(), ttl_ms)
        if answer is None:
            return None
        token, deadline, guard, *left = listed(answer)
        lease = Lease(resource=account, owner=owner, token=int_of(token), deadline=from_us(int_of(deadline)))
        commands = tuple(command_of(command) for command in left)
        return Acquired(lease=lease, status=status_of(account, guard), left=commands)

    def next(self, lease: Lease) -> Command | None:
        answer = self._run("next", lease, lease.token)
        return None if answer is None else command_of(answer)

    def _run(self, script: str, lease: Lease, *arguments: Argument) -> Answer:
        return self._store.run(script, self._keys.account(lease.resource), *arguments)

    def fix_plan(self, lease: Lease, signal_id: str, plan: str) -> str:
        return text_of(self._run("fix_plan", lease, lease.token, signal_id, plan))

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
        answer = self._run(
            "begin",
            lease,
            *(lease.resource, lease.token, key, int(adds_risk), "" if goal is None else goal),
            *(int(full), deadline_ms, attempts_max),
        )
        return BeginRefusal(answer) if isinstance(answer, str) else _begun(listed(answer))

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
        self._note_outbox(account_tag(lease.resource), alert)
        answer = self._run(
            "finish",
            lease,
            *(lease.token, key, outcome.state, encode(Outcome, outcome), outcome.sentence, reason),
            *(retry_after_ms, *alert_arguments(alert), *event_arguments(events)),
        )
        before, signal_id = listed(answer)
        self._keep_record(text_of(signal_id), OrderState(text_of(before)), outcome.state)
        return outcome.state

    def _keep_record(self, signal_id: str, before: OrderState, state: OrderState) -> None:
        """A resting order may outlive its signal's record, so the record is kept longer while one rests."""
        key = f"{self._keys.signal(signal_id)}:record"
        if state in _RESTS:
            self._store.read(("PEXPIRE", key, self._settings.record_resting_keep_ms))
        elif state in FINAL and before in _RESTS:
            self._store.read(("PEXPIRE", key, self._settings.record_keep_ms))

    def release(self, lease: Lease, *, force: bool) -> bool:
        return int_of(self._run("release", lease, lease.token, int(force))) == 1

    def abandon_in_hand(self, lease: Lease) -> None:
        self._run("abandon", lease, lease.token)

    def raise_token(self, account: str, above: int) -> None:
        self._store.run("raise_token", self._keys.account(account), above)

    def backlog(self, accounts: tuple[str, ...]) -> tuple[Backlog, ...]:
        answers = self._store.run_many([Call("backlog", self._keys.account(name)) for name in accounts])
        return tuple(_backlog(name, given(answer)) for name, answer in zip(accounts, answers, strict=True))

    def mark_woken(self, account: str, for_ms: int) -> bool:
        return int_of(self._store.run("mark_woken", self._keys.account(account), for_ms)) == 1

    def order(self, account: str, key: str) -> OrderRecord | None:
        (answer,) = self._store.read(("HMGET", f"{self._keys.account(account)}:order:{key}", *ORDER_FIELDS))
        return order_of(answer)

    def command(self, account: str, key: str) -> Command | None:
        (answer,) = self._store.read(("HMGET", f"{self._keys.account(account)}:order:{key}", *COMMAND_FIELDS))
        return None if listed(answer)[0] is None else command_of(answer)

    def resting(self, account: str) -> tuple[Command, ...]:
        answer = self._store.run("resting", self._keys.account(account))
        return tuple(command_of(command) for command in listed(answer))


def _row(command: Command) -> tuple[Argument, ...]:
    fixed = replace(
        command, envelope="", state=OrderState.RECEIVED, attempt=0, takeovers=0, begun_at=None, goal=None
    )
    return (
        *(command.key, command.seq, command.lane, command.verb, command.signal_id),
        "" if command.opening_key is None else command.opening_key,
        *(to_us(command.valid_until), command.part, encode(Command, fixed), command.envelope),
    )


def _pushed(answer: Answer) -> Pushed:
    wake, *results = listed(answer)
    return Pushed(results=tuple(PushResult(text_of(result)) for result in results), wake=int_of(wake) == 1)


def _pushed_or_error(answer: Answer | FleetError) -> Pushed | LedgerError:
    return answer if isinstance(answer, LedgerError) else _pushed(given(answer))


def _begun(fields: Sequence[Answer]) -> Begun:
    attempt, begun, not_after, goal, opening_canceled, opening_known = fields
    return Begun(
        attempt=int_of(attempt),
        begun_at=from_us(int_of(begun)),
        not_after=from_us(int_of(not_after)),
        goal=None if goal is None else text_of(goal),
        opening_canceled=int_of(opening_canceled) == 1,
        opening_known=int_of(opening_known) == 1,
    )


def _arrival(micros: Answer) -> datetime | None:
    return None if micros is None else from_us(int_of(micros))


def _backlog(account: str, answer: Answer) -> Backlog:
    urgent, urgent_us, normal, normal_us, in_doubt, doubt_us, owned, due = listed(answer)
    return Backlog(
        account=account,
        urgent=int_of(urgent),
        normal=int_of(normal),
        in_doubt=int_of(in_doubt),
        oldest_urgent_at=_arrival(urgent_us),
        oldest_normal_at=_arrival(normal_us),
        oldest_doubt_at=_arrival(doubt_us),
        owned=int_of(owned) == 1,
        flatten_due=int_of(due) == 1,
    )
