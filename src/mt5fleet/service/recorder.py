"""Writes what became of a command: state, event with its numbers, and alert, in one step."""

from dataclasses import replace

from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import TEXT_CHARS_MAX, Command, Lane, Outcome, Retry
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.domain.retry import backoff_ms
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import BeginRefusal, Inbox, Story
from mt5fleet.service.hold import Handled, Hold
from mt5fleet.service.settings import ExecutionSettings
from mt5fleet.service.telling import ToldOnce

_S = OrderState
_EVENT_OF: dict[OrderState, EventType] = {
    _S.RECEIVED: EventType.ORDER_RECEIVED,
    _S.DENIED: EventType.ORDER_DENIED,
    _S.EXPIRED: EventType.ORDER_EXPIRED,
    _S.CANCELED: EventType.ORDER_CANCELED,
    _S.SUPERSEDED: EventType.ORDER_SUPERSEDED,
    _S.ACCEPTED: EventType.ORDER_ACCEPTED,
    _S.PARTIALLY_FILLED: EventType.ORDER_FILLED,
    _S.FILLED: EventType.ORDER_FILLED,
    _S.APPLIED: EventType.ORDER_APPLIED,
    _S.REJECTED: EventType.ORDER_REJECTED,
    _S.NOT_SENT: EventType.ORDER_NOT_SENT,
    _S.IN_DOUBT: EventType.ORDER_IN_DOUBT,
}
# What a close or cancel ends in that left risk behind; CANCELED is a close that the broker did in part.
_RISK_STAYS = frozenset({_S.DENIED, _S.REJECTED, _S.EXPIRED, _S.CANCELED})
POISON = DenialReason.POISON.value


class Recorder:
    """The one place that finishes commands."""

    def __init__(self, inbox: Inbox, story: Story, clock: Clock, settings: ExecutionSettings) -> None:
        self._inbox = inbox
        self._story = story
        self._clock = clock
        self._settings = settings
        self._told = ToldOnce(settings.notices_max)

    def write(
        self, hold: Hold, command: Command, outcome: Outcome, numbers: dict[str, str] | None = None
    ) -> OrderState:
        """Record an outcome; one that may never be tried again though nothing was sent ends DENIED."""
        state = self._finish(hold, command, outcome, numbers if numbers is not None else {}, reason="")
        if state is _S.NOT_SENT and outcome.retry is Retry.NEVER:
            reason = DenialReason.ATTEMPTS_SPENT if outcome.denial is None else outcome.denial
            self.deny(hold, command, Denial(reason=reason, numbers={"bridge": outcome.sentence}))
        return state

    def deny(self, hold: Hold, command: Command, denial: Denial) -> None:
        """The fleet refuses the command, with the numbers it decided on."""
        outcome = Outcome(state=_S.DENIED, sentence=denial.sentence)
        self._finish(hold, command, outcome, denial.numbers, reason=denial.reason.value)

    def expire(self, hold: Hold, command: Command) -> None:
        """The command's time is over and nothing was executed."""
        sentence = f"valid until {command.valid_until.isoformat()}, nothing was executed"
        self._finish(hold, command, Outcome(state=_S.EXPIRED, sentence=sentence), {}, reason="")

    def doubt(self, hold: Hold, command: Command, sentence: str, *, reason: str = "") -> None:
        """Nobody knows whether it was executed; only the broker's evidence or a person settles it."""
        outcome = Outcome(state=_S.IN_DOUBT, sentence=sentence)
        self._finish(hold, command, outcome, {}, reason=reason)

    def refused(self, hold: Hold, command: Command, refusal: BeginRefusal) -> None:
        """Act on a begin that wrote nothing."""
        if refusal is BeginRefusal.EXPIRED:
            self.expire(hold, command)
        elif refusal is BeginRefusal.WITHDRAWN:
            sentence = "withdrawn: a close or cancel of it came first, nothing was executed"
            self.write(hold, command, Outcome(state=_S.CANCELED, sentence=sentence))
        elif refusal is BeginRefusal.ATTEMPTS:
            numbers = {"attempts": str(command.attempt), "attempts_max": str(self._settings.attempts_max)}
            self.deny(hold, command, Denial(reason=DenialReason.ATTEMPTS_SPENT, numbers=numbers))
        elif refusal in (BeginRefusal.HALTED, BeginRefusal.REDUCING):
            hold.halted = hold.halted or refusal is BeginRefusal.HALTED
            self.deny(hold, command, Denial(reason=DenialReason(refusal.value), numbers={}))
        else:
            self._inbox.abandon_in_hand(hold.lease)  # it left the inbox, or next() holds it back

    def wait(self, hold: Hold, command: Command, why: str) -> None:
        """The command stays where it is; the reason is told once."""
        if self._told.first(command.key):
            event = _event(EventType.ORDER_WAITING, command, {"why": why[:TEXT_CHARS_MAX]})
            self._story.emit(event)
        self._inbox.abandon_in_hand(hold.lease)

    def _finish(
        self, hold: Hold, command: Command, outcome: Outcome, numbers: dict[str, str], *, reason: str
    ) -> OrderState:
        short = replace(outcome, sentence=outcome.sentence[:TEXT_CHARS_MAX])
        delay_ms = self._delay_ms(command, outcome)
        state = self._inbox.finish(
            hold.lease,
            command.key,
            short,
            reason=reason,
            events=(_event(_EVENT_OF[outcome.state], command, _numbers(short, reason) | numbers),),
            alert=_alert(command, short, reason),
            retry_after_ms=delay_ms,
        )
        hold.handled.append(Handled(signal_id=command.signal_id, part=command.part, state=state))
        if state is _S.NOT_SENT:
            at_s = self._clock.monotonic_s() + delay_ms / 1000
            hold.retry_at_s = at_s if hold.retry_at_s is None else min(hold.retry_at_s, at_s)
        return state

    def _delay_ms(self, command: Command, outcome: Outcome) -> int:
        if outcome.state is not _S.NOT_SENT or outcome.retry is Retry.NEVER:
            return 0
        limits = self._settings
        return backoff_ms(command.attempt + 1, base_ms=limits.retry_base_ms, max_ms=limits.retry_max_ms)


def _event(kind: EventType, command: Command, numbers: dict[str, str]) -> Event:
    return Event(
        type=kind, account=command.account, signal_id=command.signal_id, key=command.key, numbers=numbers
    )


def _numbers(outcome: Outcome, reason: str) -> dict[str, str]:
    shown = {
        "sentence": outcome.sentence,
        "reason": reason,
        "volume": str(outcome.volume) if outcome.volume else "",
        "price": "" if outcome.price is None else str(outcome.price),
        "retcode": "" if outcome.retcode is None else str(outcome.retcode),
        "existed": "yes" if outcome.existed else "",
    }
    return {name: value for name, value in shown.items() if value}


def _alert(command: Command, outcome: Outcome, reason: str) -> Alert | None:
    if outcome.state is _S.IN_DOUBT:
        return _doubt_alert(command, outcome, reason)
    if command.lane is Lane.URGENT and outcome.state in _RISK_STAYS and reason != DenialReason.SHADOW:
        return _risk_alert(command, outcome)
    if reason in (POISON, DenialReason.SIGNATURE_INVALID):
        return _set_aside_alert(command, outcome, reason)
    return None


def _doubt_alert(command: Command, outcome: Outcome, reason: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL if reason == POISON else Severity.WARNING,
        title=f"Order in doubt on {command.account}",
        text=f"Signal {command.signal_id} part {command.part}: {outcome.sentence}. Opens of this account "
        "wait until the broker's records or a named person settle it.",
        dedupe=f"doubt:{command.account}:{reason}",
        account=command.account,
    )


def _risk_alert(command: Command, outcome: Outcome) -> Alert:
    done = "carried out only in part" if outcome.state is _S.CANCELED else "not carried out"
    return Alert(
        severity=Severity.WARNING,
        title=f"A {command.verb} was {done} on {command.account}",
        text=f"Signal {command.signal_id} part {command.part} ended {outcome.state}: {outcome.sentence}.",
        dedupe=f"not-reduced:{command.account}:{command.signal_id}",
        account=command.account,
    )


def _set_aside_alert(command: Command, outcome: Outcome, reason: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"Order set aside on {command.account}: {reason}",
        text=f"Signal {command.signal_id} part {command.part}: {outcome.sentence}.",
        dedupe=f"set-aside:{command.account}:{reason}",
        account=command.account,
    )
