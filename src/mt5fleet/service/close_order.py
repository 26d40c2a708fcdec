"""Carries out a close: the goal is an absolute rest, so that repeating it closes nothing twice."""

from decimal import Decimal

from mt5fleet.codec import decode, encode
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.ids import magic_of, order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, Command, Outcome
from mt5fleet.domain.signal import Close
from mt5fleet.domain.sizing import floor_to_step
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import BeginRefusal, Begun, Inbox
from mt5fleet.service.facts import FactReader
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.permits import permit
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.sending import Sent, not_sent, sent
from mt5fleet.service.settings import ExecutionSettings

_S = OrderState
_SETTLED = frozenset(
    {_S.FILLED, _S.REJECTED, _S.DENIED, _S.EXPIRED, _S.CANCELED}
)  # no rest works at the broker
_NOTHING_TO_CLOSE = Decimal(10**9)  # lots; a partial close of nothing must never become a full one later
WITHDRAWN = Outcome(state=_S.APPLIED, sentence="the opening order was withdrawn before it was sent")


class CloseOrders:
    """Closes on accounts that the caller holds; also of halted accounts."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        gateway: Gateway,
        facts: FactReader,
        recorder: Recorder,
        settings: ExecutionSettings,
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._facts = facts
        self._recorder = recorder
        self._settings = settings

    def run(self, hold: Hold, command: Command, close: Close, opening_key: str) -> None:
        """Move one close as far as it goes now; raises Blocked, StaleToken and the ledger's errors."""
        goal = command.goal if command.goal is not None else self._goal(hold, close, opening_key)
        if isinstance(goal, Denial):
            self._recorder.deny(hold, command, goal)
            return
        rests = close.full and self._may_rest(hold, opening_key)
        begun = self._inbox.begin(
            hold.lease,
            command.key,
            adds_risk=False,
            goal=goal,
            full=close.full,
            deadline_ms=self._settings.deadline_ms,
            attempts_max=self._settings.attempts_max,
        )
        if isinstance(begun, BeginRefusal):
            self._recorder.refused(hold, command, begun)
        elif begun.opening_canceled:
            self._recorder.write(hold, command, WITHDRAWN)
        else:
            self._send(hold, command, begun, goal if begun.goal is None else begun.goal, rests=rests)

    def _goal(self, hold: Hold, close: Close, opening_key: str) -> str | Denial:
        remaining = Decimal(0) if close.full else self._remaining(hold, close, opening_key)
        if isinstance(remaining, Denial):
            return remaining
        order = CloseOrder(
            opening_key=opening_key,
            opening_magic=magic_of(opening_key),
            ticket=None,
            remaining=remaining,
        )
        return encode(CloseOrder, order)

    def _remaining(self, hold: Hold, close: Close, opening_key: str) -> Decimal | Denial:
        """What is to be left of the position; of one that is not seen, more than any position holds."""
        positions = self._facts.positions(hold, opening_key)
        if not positions:
            return _NOTHING_TO_CLOSE
        instrument = self._facts.instrument(hold, positions[0].symbol)
        if instrument is None:
            raise Blocked(f"the terminal does not show the rules of {positions[0].symbol}")
        held = sum((position.volume for position in positions), Decimal(0))
        closing = min(held, floor_to_step(_wanted(close, held), instrument.volume_step))
        if closing < instrument.volume_min and closing < held:
            numbers = {"lots": str(closing), "volume_min": str(instrument.volume_min), "held": str(held)}
            return Denial(reason=DenialReason.VOLUME_BELOW_MIN, numbers=numbers)
        return held - closing

    def _may_rest(self, hold: Hold, opening_key: str) -> bool:
        """Whether something of the opening may still rest at the broker, to be withdrawn before the close."""
        opening = self._inbox.order(hold.name, opening_key)
        return opening is None or opening.state not in _SETTLED

    def _send(self, hold: Hold, command: Command, begun: Begun, goal: str, *, rests: bool) -> None:
        order = decode(CloseOrder, goal)
        answer = self._withdraw(hold, command, begun, order) if rests else None
        if answer is None:
            pass_on = permit(hold, command, begun, hold.status.journal_id)
            answer = sent(lambda: self._gateway.close(hold.name, order, pass_on))
        numbers = {"attempt": str(begun.attempt), "remaining": str(order.remaining)}
        self._recorder.write(hold, command, answer.outcome, numbers)
        if answer.stale is not None:
            raise answer.stale

    def _withdraw(self, hold: Hold, command: Command, begun: Begun, order: CloseOrder) -> Sent | None:
        """Take what rests away first, so that it cannot fill behind the close; None when nothing rests now.

        The withdrawal has a key of its own per attempt: repeating it is harmless, its goal is absolute.
        """
        key = order_key(
            hold.account.server, hold.account.login, f"{command.signal_id}.rest{begun.attempt}", command.part
        )
        rest = CancelOrder(opening_key=order.opening_key, opening_magic=order.opening_magic, ticket=None)
        carried = permit(hold, command, begun, hold.status.journal_id, key=key.text)
        answer = sent(lambda: self._gateway.cancel(hold.name, rest, carried))
        if answer.outcome.state is _S.APPLIED:
            return None
        why = f"what rests could not be withdrawn: {answer.outcome.sentence}"
        return Sent(outcome=not_sent(why), stale=answer.stale)


def _wanted(close: Close, held: Decimal) -> Decimal:
    if close.volume_lots is not None:
        return close.volume_lots
    return held if close.share is None else held * close.share
