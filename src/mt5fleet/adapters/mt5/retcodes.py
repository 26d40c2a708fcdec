"""What each answer of the broker means: one table, and one rule for answers that are missing.

Source: MQL5 reference "Return codes of the trade server"; the judgement of what may be sent again is ours.
A code that is not in the table is in doubt, never a refusal.
"""

from dataclasses import dataclass

from mt5fleet.adapters.mt5.codes import LastError
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an answer says about an order. `may_have_executed` False is proof that nothing was done."""

    outcome: OrderState
    retry: Retry
    may_have_executed: bool
    sentence: str


def _refused(sentence: str) -> Meaning:
    return Meaning(outcome=OrderState.REJECTED, retry=Retry.NEVER, may_have_executed=False, sentence=sentence)


def _again(sentence: str, retry: Retry = Retry.AFTER_DELAY) -> Meaning:
    return Meaning(outcome=OrderState.NOT_SENT, retry=retry, may_have_executed=False, sentence=sentence)


def _doubt(sentence: str) -> Meaning:
    return Meaning(outcome=OrderState.IN_DOUBT, retry=Retry.NEVER, may_have_executed=True, sentence=sentence)


def _done(outcome: OrderState, sentence: str) -> Meaning:
    return Meaning(outcome=outcome, retry=Retry.NEVER, may_have_executed=True, sentence=sentence)


PYTHON_OFF = (
    "trading by Python is off in the terminal: untick 'Disable algorithmic trading via external Python"
    " API' under Tools, Options, Expert Advisors"
)
RETCODES: dict[int, Meaning] = {
    10004: _again("the broker requoted: the price moved beyond the deviation", Retry.AFTER_REPRICE),
    10006: _refused("the broker refused the order"),
    10007: _refused("the dealer cancelled the order"),
    10008: _done(OrderState.ACCEPTED, "the broker placed the order"),
    10009: _done(OrderState.FILLED, "done"),
    10010: _done(OrderState.PARTIALLY_FILLED, "filled in part"),
    # The vendor calls it a processing error and does not say at which step, so nothing proves "not executed".
    10011: _doubt("the broker reports a processing error"),
    10012: _doubt("the broker did not answer the terminal in time"),
    10013: _refused("the broker calls the request malformed: unknown symbol, or fields that do not fit"),
    10014: _refused("the volume is off the symbol's smallest lot, largest lot or step"),
    10015: _refused("the price is off the tick or on the wrong side of the market"),
    10016: _refused("stop-loss or take-profit is on the wrong side or inside the stops level"),
    10017: _refused("trading is disabled for this account or symbol"),
    10018: _again("the market is closed"),
    10019: _refused("the free margin is too small"),
    10020: _again("the price changed before the broker could fill", Retry.AFTER_REPRICE),
    10021: _again("the broker has no quotes to fill with"),
    10022: _refused("the expiration is not allowed for this symbol"),
    10023: _again("the order's state changed meanwhile"),
    10024: _again("the broker counts too many requests"),
    10025: _done(OrderState.APPLIED, "the values stand already"),
    10026: _refused("algo trading is off on the broker's server for this account: ask the broker"),
    10027: _refused("algo trading is off in the terminal: press 'Algo Trading' in its toolbar"),
    10028: _again("the order is being processed by the broker"),
    10029: _again("the price is inside the symbol's freeze level"),
    10030: _refused("the symbol does not allow this filling"),
    10031: _doubt("the terminal lost its connection to the broker"),
    10032: _refused("the broker allows this on real accounts only"),
    10033: _refused("the account holds its largest number of resting orders"),
    10034: _refused("the account holds its largest volume of this symbol"),
    10035: _refused("the order type is not allowed for this symbol"),
    10036: _again("the position is closed already, or unknown"),
    10038: _again("the close volume is above the position's volume"),
    10039: _again("a closing order for this position exists already"),
    10040: _refused("the account holds its largest number of positions"),
    10041: _refused("the broker cancelled the activation of the order"),
    10042: _refused("only long positions are allowed on this symbol"),
    10043: _refused("only short positions are allowed on this symbol"),
    10044: _refused("only closing is allowed on this symbol"),
    10045: _refused("positions must be closed first in, first out on this account"),
    10046: _refused("opposite positions of one symbol are not allowed on this account"),
}

# Answers of the module itself: in these cases the order provably stayed on this machine.
_NEVER_LEFT: dict[int, Meaning] = {
    LastError.INVALID_PARAMS: _refused("the terminal refused the request's fields"),
    LastError.AUTO_TRADING_DISABLED: _refused(PYTHON_OFF),
    LastError.IPC_INIT_FAILED: _again("the terminal was not found or not started"),
    LastError.NO_CONNECTION: _again("the terminal is not connected to the bridge"),
}


def meaning(retcode: int) -> Meaning:
    """What a return code says; one that nobody has documented is in doubt."""
    return RETCODES.get(retcode, _doubt(f"the broker answered with the unknown code {retcode}"))


def meaning_of_silence(last_error: int, text: str) -> Meaning:
    """What it means that `order_send` gave None, judged by `last_error`; what proves nothing is in doubt."""
    known = _NEVER_LEFT.get(last_error)
    return known or _doubt(f"the terminal gave no answer ({last_error}: {text})")
