"""What an order-changing call proves, whatever way it ended."""

from collections.abc import Callable
from dataclasses import dataclass

from mt5fleet.domain.errors import StaleToken, Unanswered, Unreachable, ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The outcome of a call; `stale` is set when the bridge has seen a newer owner and sent nothing."""

    outcome: Outcome
    stale: StaleToken | None = None


def sent(call: Callable[[], Outcome]) -> Sent:
    """Make the call: no answer is a doubt, never a failure; what did not arrive may be tried again.

    A refused value is a doubt, too: it does not say whether the order was sent before.
    """
    try:
        return Sent(outcome=call())
    except Unreachable as error:
        return Sent(outcome=not_sent(str(error)))
    except StaleToken as error:
        return Sent(outcome=not_sent(str(error)), stale=error)
    except (Unanswered, ValueRefused) as error:
        return Sent(outcome=Outcome(state=OrderState.IN_DOUBT, sentence=str(error)))


def not_sent(sentence: str) -> Outcome:
    """Proved not executed, and worth another attempt."""
    return Outcome(state=OrderState.NOT_SENT, sentence=sentence, retry=Retry.AFTER_DELAY)
