"""Random sequences of ledger operations, the same on two ledgers, whose answers and states must be equal."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mt5fleet.adapters.redis.microtime import to_us
from mt5fleet.domain.errors import FleetError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command
from mt5fleet.domain.record import Epoch, Severity
from mt5fleet.domain.signal import Verb
from mt5fleet.ports.ledger import Acquired, Ledger
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import (
    a_command,
    a_letter,
    a_memory,
    a_reading,
    a_record,
    a_target,
    an_account,
    an_alert,
    an_event,
    an_outcome,
)

ACCOUNTS = ("a", "b")
STEPS = 60
LOOK_EVERY = 10  # steps between two looks at the whole state, which cost as much as ten steps
TTL_MS = 2_000
_VERBS = {"c": Verb.CLOSE, "x": Verb.CANCEL, "m": Verb.MODIFY, "o": Verb.OPEN}
_KEYS = tuple(f"{letter}{number}" for letter in "oooooccxm" for number in range(2))


class Differs(AssertionError):
    """The two ledgers gave different answers."""


class Sequence:
    """One seed's operations, done on both ledgers side by side."""

    def __init__(self, seed: int, one: Rig, other: Rig) -> None:
        self.chance = random.Random(seed)
        self.rigs = (one, other)
        self.leases: dict[str, list[Lease]] = {name: [] for name in (*ACCOUNTS, "log")}
        self.seqs = [1]
        self.log: list[str] = []
        self.answered = 0

    def run(self) -> None:
        for number in range(1, STEPS + 1):
            step = self.chance.choice(_STEPS)
            step(self)
            if number % LOOK_EVERY == 0:
                self.same("state", _state)

    def same(self, name: str, ask: Callable[[Ledger], Any]) -> Any:
        """The answer of both, which must be equal; errors are equal by type."""
        answers = [_answer(rig.ledger, ask) for rig in self.rigs]
        if name != "state":
            self.log.append(f"{name} -> {answers[0]}")
            self.answered += not isinstance(answers[0], str) and answers[0] is not None
        if _comparable(answers[0]) != _comparable(answers[1]):
            told = "\n".join(self.log[-12:])
            raise Differs(f"{name}:\n  {answers[0]}\n  {answers[1]}\nafter\n{told}")
        return answers[0]

    def account(self) -> str:
        return self.chance.choice(ACCOUNTS)

    def key(self) -> str:
        return self.chance.choice(_KEYS)

    def a_lease(self, name: str) -> Lease | None:
        """Mostly the newest lease, at times an older one."""
        known = self.leases[name]
        if not known:
            return None
        return known[-1] if self.chance.random() < 0.85 else self.chance.choice(known)

    def a_command(self, account: str) -> Command:
        key = self.key()
        opening = None if key[0] == "o" else f"o{self.chance.randrange(2)}"
        return a_command(
            key,
            _VERBS[key[0]],
            account=account,
            seq=self.chance.choice(self.seqs[-3:]),
            opening_key=opening,
            part=self.chance.randrange(2),
            valid_until=START + timedelta(seconds=self.chance.choice((2, 20, 3_600))),
        )

    def near(self, account: str) -> int:
        """A number of a halt: the account's own, the present one, or one beside them."""
        known, now = self.rigs[0].ledger.account_status(account).halted_seq, to_us(self.rigs[0].ledger.now())
        return self.chance.choice((known, known, now)) + self.chance.choice((0, 0, 1, 5_000_000))

    def an_alert(self) -> Any:
        severity = self.chance.choice(list(Severity))
        subject = self.chance.choice("xyz")
        alert = an_alert(subject, severity=severity, text=str(self.chance.randrange(9)))
        return None if self.chance.random() < 0.4 else alert

    def events(self) -> tuple[Any, ...]:
        return tuple(an_event(signal_id=f"s-{self.key()}") for _ in range(self.chance.randrange(3)))


def _answer(ledger: Ledger, ask: Callable[[Ledger], Any]) -> Any:
    try:
        return ask(ledger)
    except FleetError as error:
        return f"raised {type(error).__name__}"


def _comparable(answer: Any) -> Any:
    """Run ids and errors given as values are no part of the comparison."""
    if isinstance(answer, Epoch):
        return replace(answer, run_id="")
    if isinstance(answer, dict):
        return {name: _comparable(value) for name, value in answer.items()}
    return type(answer).__name__ if isinstance(answer, FleetError) else answer


def _state(ledger: Ledger) -> Any:
    keys = sorted(set(_KEYS))
    return (
        *(ledger.account_status(name) for name in ACCOUNTS),
        ledger.backlog(ACCOUNTS),
        *(ledger.order(name, key) for name in ACCOUNTS for key in keys),
        *(ledger.resting(name) for name in ACCOUNTS),
        *(ledger.account_events(name, 50) for name in ACCOUNTS),
        ledger.pending(50),
        ledger.log_backlog(),
    )


def _tick(run: Sequence) -> None:
    ms = run.chance.choice((0, 1, 100, 1_000, 2_001, 10_000))
    back = run.chance.random() < 0.1
    for rig in run.rigs:
        rig.back_ms(ms) if back else rig.advance_ms(ms)


def _post(run: Sequence) -> None:
    name, body = f"s{run.chance.randrange(6)}", run.chance.choice("hhhk")
    posted = run.same("post", lambda ledger: ledger.post(name, body, "e"))
    run.seqs = sorted({*run.seqs, posted.seq})


def _intake(run: Sequence) -> None:
    lease = run.a_lease("log")
    act = run.chance.randrange(5)
    if lease is None or act == 0:
        taken = run.same("acquire_log", lambda ledger: ledger.acquire_log("i", TTL_MS))
        run.leases["log"] += [taken] if isinstance(taken, Lease) else []
        return
    seq = run.chance.choice(run.seqs)
    letter, alert = a_letter(f"s{run.chance.randrange(6)}", seq), run.an_alert()
    run.same("waiting", lambda ledger: ledger.waiting(lease, 2))
    if act == 1:
        run.same("settle", lambda ledger: ledger.settle(lease, seq))
    elif act == 2:
        run.same("bury", lambda ledger: ledger.bury(lease, letter, alert))
    elif act == 3:
        run.same("release_log", lambda ledger: ledger.release_log(lease))


def _signal(run: Sequence) -> None:
    name = f"s{run.chance.randrange(6)}"
    record = a_record(name, *(a_target(run.key(), run.account()) for _ in range(2)))
    if run.chance.random() < 0.3:
        run.same("record", lambda ledger: ledger.record(record))
    run.same("status", lambda ledger: ledger.status(name))
    run.same("signal_events", lambda ledger: ledger.signal_events(name))
    run.same("dead_letters", lambda ledger: ledger.dead_letters(3))


def _push(run: Sequence) -> None:
    token = run.chance.choice((1, 2, 2, 2, 3))
    commands = {name: tuple(run.a_command(name) for _ in range(run.chance.randrange(4))) for name in ACCOUNTS}
    if run.chance.random() < 0.5:
        run.same("push_many", lambda ledger: ledger.push_many(token, commands))
    else:
        run.same("push", lambda ledger: ledger.push("a", token, commands["a"]))


def _acquire(run: Sequence) -> None:
    name = run.account()
    if run.chance.random() < 0.1:
        above = run.chance.randrange(3) * 10**15
        run.same("raise_token", lambda ledger: ledger.raise_token(name, above))
    taken = run.same("acquire", lambda ledger: ledger.acquire(name, "w", TTL_MS))
    if isinstance(taken, Acquired):
        run.leases[name].append(taken.lease)


def _work(run: Sequence) -> None:
    """What an owner does: take the next command, begin it, and record what became of it."""
    name = run.account()
    lease = run.a_lease(name)
    if lease is None:
        return
    command = run.same("next", lambda ledger: ledger.next(lease))
    key = command.key if isinstance(command, Command) and run.chance.random() < 0.8 else run.key()
    adds, full = run.chance.random() < 0.6, run.chance.random() < 0.6
    goal = run.chance.choice((None, "g1", "g2"))
    attempts, deadline = run.chance.choice((1, 3)), run.chance.choice((100, 5_000))
    run.same(
        f"begin {key}",
        lambda ledger: ledger.begin(
            lease,
            key,
            adds_risk=adds,
            goal=goal,
            full=full,
            deadline_ms=deadline,
            attempts_max=attempts,
        ),
    )
    if run.chance.random() < 0.7:
        _record(run, lease, key)


def _settle(run: Sequence) -> None:
    lease = run.a_lease(run.account())
    if lease is not None:
        _record(run, lease, run.key())


def _record(run: Sequence, lease: Lease, key: str) -> None:
    outcome = an_outcome(run.chance.choice(list(OrderState)), sentence=run.chance.choice("pq"))
    events, alert, retry = run.events(), run.an_alert(), run.chance.choice((0, 500))
    for _ in range(run.chance.choice((1, 1, 2))):
        run.same(
            f"finish {key} {outcome.state}",
            lambda ledger: ledger.finish(
                lease, key, outcome, reason="r", events=events, alert=alert, retry_after_ms=retry
            ),
        )


def _let_go(run: Sequence) -> None:
    lease = run.a_lease(run.account())
    if lease is None:
        return
    force, act, plan = run.chance.random() < 0.5, run.chance.randrange(4), run.chance.choice("pq")
    if act == 0:
        run.same("abandon", lambda ledger: ledger.abandon_in_hand(lease))
    elif act == 1:
        run.same("fix_plan", lambda ledger: ledger.fix_plan(lease, "s", plan))
    else:
        run.same("release", lambda ledger: ledger.release(lease, force=force))


def _woken(run: Sequence) -> None:
    name, ms = run.account(), run.chance.choice((100, 2_000))
    run.same("mark_woken", lambda ledger: ledger.mark_woken(name, ms))


def _guard(run: Sequence) -> None:
    name, events, alert = run.account(), run.events(), run.an_alert()
    reason = "floor" if run.chance.random() < 0.1 else None
    memory = a_memory(run.chance.randrange(1, 9))
    if run.chance.random() < 0.05:
        run.same("halt", lambda ledger: ledger.halt(name, "by hand", events=events, alert=alert))
    else:
        run.same(
            "judge",
            lambda ledger: ledger.judge(
                name, a_reading(name), memory, halt_reason=reason, events=events, alert=alert
            ),
        )


def _flatten(run: Sequence) -> None:
    name, events, alert = run.account(), run.events(), run.an_alert()
    lease = run.a_lease(name)
    sequence = run.near(name)
    run.same("confirm", lambda ledger: ledger.confirm_latch(name, sequence, alert=alert))
    if lease is not None:
        run.same("flatten_step", lambda ledger: ledger.flatten_step(lease, events))
        if run.chance.random() < 0.5:
            run.same("seen_flat", lambda ledger: ledger.seen_flat(lease, alert=alert))
    if run.chance.random() < 0.3:
        run.same("not_flat", lambda ledger: ledger.not_flat(name, alert=alert))
    journal, writes = run.chance.choice("jjk"), run.chance.randrange(9)
    run.same("bind", lambda ledger: ledger.bind_journal(name, journal, writes))
    if run.chance.random() < 0.1:
        run.same("older", lambda ledger: ledger.mark_older_journal(name, journal))


def _copied(run: Sequence) -> None:
    """What a bridge's latch does to the ledger's, mostly on an account that is halted."""
    halted = [name for name in ACCOUNTS if run.rigs[0].ledger.account_status(name).flatten_due]
    name = run.chance.choice(halted) if halted and run.chance.random() < 0.8 else run.account()
    sequence, above = run.near(name), run.near(name)
    run.same("renumber", lambda ledger: ledger.renumber_halt(name, sequence, above))
    if run.chance.random() < 0.1:
        run.same("halt", lambda ledger: ledger.halt(name, "copied", events=(), alert=None, above=above))


def _alerts(run: Sequence) -> None:
    alert, events = an_alert(run.chance.choice("xyz")), run.events()
    run.same("raise", lambda ledger: ledger.raise_alert(alert, events))
    read = run.same("pending", lambda ledger: ledger.pending(5))
    if not read:
        return
    one, channel = run.chance.choice(read), run.chance.choice(("log", "hook"))
    if run.chance.random() < 0.4:
        run.same("raise", lambda ledger: ledger.raise_alert(alert))
    if run.chance.random() < 0.7:
        both = frozenset({"log", "hook"})
        run.same("delivered", lambda ledger: ledger.delivered(one, channel, all_channels=both))
    else:
        run.same("defer", lambda ledger: ledger.defer(one, 1_500))


def _told(run: Sequence) -> None:
    names = run.chance.sample(("a", "b", "c"), run.chance.randrange(3))
    accounts, groups = (
        [an_account(name) for name in names],
        {f"g{len(names)}": tuple(names), "all": tuple(names)},
    )
    run.same("apply", lambda ledger: ledger.apply(accounts, groups))
    run.same("accounts", lambda ledger: (ledger.accounts(), ledger.revision()))
    run.same(
        "groups",
        lambda ledger: {
            name: [(g.version, g.accounts) for g in kept] for name, kept in ledger.groups().items()
        },
    )


def _life(run: Sequence) -> None:
    run.same("epoch", lambda ledger: ledger.epoch())
    run.same("beat", lambda ledger: ledger.beat(run.log[-1][:5] if run.log else "w", {"p": "1"}, 3_000))
    run.same("beats", lambda ledger: ledger.beats())
    run.same("count", lambda ledger: ledger.count_signal("desk", 2))
    if run.chance.random() < 0.1:
        for rig in run.rigs:
            rig.restart()
    if run.chance.random() < 0.05:
        for rig in run.rigs:
            rig.wipe()


_STEPS: tuple[Callable[[Sequence], None], ...] = (
    *(_tick,) * 4,
    *(_post, _intake, _intake, _signal),
    *(_push,) * 4,
    *(_acquire,) * 4,
    *(_work,) * 10,
    *(_settle, _settle, _let_go, _let_go, _woken),
    *(_guard, _flatten, _copied, _alerts, _told, _life),
)
