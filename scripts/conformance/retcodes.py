"""Writes docs/retcodes.md from the code's tables: what each return code means and what the fleet does.

    python -m scripts.conformance.retcodes

A test fails when the page and the tables differ.
"""

from pathlib import Path

from mt5fleet.adapters.mt5.codes import LastError
from mt5fleet.adapters.mt5.retcodes import RETCODES, Meaning, meaning, meaning_of_silence
from mt5fleet.adapters.mt5.sending import told
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Retry
from mt5fleet.service.settings import ExecutionSettings
from mt5fleet.simulator.codes import RETCODE_TEXTS, Retcode

PAGE = Path(__file__).resolve().parents[2] / "docs" / "retcodes.md"
UNLISTED = 10037  # the vendor never gave this number a meaning
SILENCE_TEXTS = {
    LastError.OK: "Success",
    LastError.INVALID_PARAMS: "Invalid params",
    LastError.NOT_FOUND: "Not found",
    LastError.AUTH_FAILED: "Authorization failed",
    LastError.AUTO_TRADING_DISABLED: "Auto-Trading using Python API disabled in Terminal",
    LastError.IPC_FAILED: "IPC call failed",
    LastError.IPC_SEND_FAILED: "IPC send failed",
    LastError.IPC_RECEIVE_FAILED: "IPC recv failed",
    LastError.IPC_INIT_FAILED: "IPC initialize failed",
    LastError.NO_CONNECTION: "No IPC connection",
    LastError.IPC_TIMEOUT: "IPC timeout",
}
"""What `last_error` says beside its number (package MetaTrader5 5.0.6231), shortened."""

_DONE = {
    OrderState.ACCEPTED: "follows the order until it ends; a change is in doubt until it shows",
    OrderState.FILLED: "reads position and deal back, then the order is done",
    OrderState.PARTIALLY_FILLED: "records what was filled; follows the rest until it ends",
    OrderState.APPLIED: "counts the change as done",
}
_READ_BACK = {
    OrderState.ACCEPTED: "order N rests at PRICE",
    OrderState.FILLED: "order N: VOLUME of VOLUME lots filled at PRICE",
    OrderState.PARTIALLY_FILLED: "order N: VOLUME of VOLUME lots filled at PRICE",
    OrderState.APPLIED: "the levels are set",
}
_PAGE = """\
# Return codes

Every answer a broker can give to an order, and what the fleet makes of it.
`python -m scripts.conformance.retcodes` writes this page from the tables that the gateway works with; a test
fails when the two differ.

"May have executed" is *no* only where that is proved: only then is anything sent again, each time with a new
attempt number of the same order key, at most {attempts_max} sends of one order, {base_ms} to {max_ms} ms
apart, while the signal is valid.
While an order's outcome is unknown, an alert says so and the account opens nothing; the broker's records or a
person settle it.
What the user is told stands in the order's events and in alerts; the broker's own words follow in brackets
when it sent any.

## Answers of the trade server

| code | name | broker says | may have executed | what the fleet does | what the user is told |
|---|---|---|---|---|---|
{answers}

## No answer at all

`order_send` gave None; `last_error` is all there is to judge by.

| last_error | text | may have executed | what the fleet does | what the user is told |
|---|---|---|---|---|
{silences}
"""


def page() -> str:
    """Return the page."""
    answers = [_answer(code, Retcode(code).name, RETCODE_TEXTS[Retcode(code)]) for code in sorted(RETCODES)]
    answers.append(_answer(UNLISTED, "any other number", "unknown"))
    silences = [_silence(int(error), text) for error, text in SILENCE_TEXTS.items()]
    silences.append(_silence(-99999, "any other", shown="any other"))
    limits = ExecutionSettings()
    return _PAGE.format(
        answers="\n".join(answers),
        silences="\n".join(silences),
        attempts_max=limits.attempts_max,
        base_ms=limits.retry_base_ms,
        max_ms=limits.retry_max_ms,
    )


def _answer(code: int, name: str, words: str) -> str:
    judged = meaning(code)
    number = "other" if code not in RETCODES else str(code)
    sentence = _told(judged).replace(str(UNLISTED), "N")
    return f"| {number} | {name} | {words} | {_executed(judged)} | {_action(judged)} | {sentence} |"


def _silence(code: int, text: str, *, shown: str = "") -> str:
    judged = meaning_of_silence(code, text)
    sentence = _told(judged).replace(str(code), "N") if shown else _told(judged)
    return f"| {shown or code} | {text} | {_executed(judged)} | {_action(judged)} | {sentence} |"


def _executed(judged: Meaning) -> str:
    if judged.outcome is OrderState.IN_DOUBT:
        return "unknown"
    if not judged.may_have_executed:
        return "no"
    return {OrderState.PARTIALLY_FILLED: "in part", OrderState.ACCEPTED: "later"}.get(judged.outcome, "yes")


def _action(judged: Meaning) -> str:
    if judged.outcome is OrderState.IN_DOUBT:
        return "sends nothing again; reads the broker's records until they settle it"
    if judged.retry is not Retry.NEVER:
        return _RETRIES[judged.retry]
    return _DONE.get(judged.outcome, "ends the order; never sends it again")


_RETRIES = {
    Retry.AFTER_DELAY: "sends it again after a pause",
    Retry.AFTER_REPRICE: "checks the new price, then sends it again",
}


def _told(judged: Meaning) -> str:
    return _READ_BACK.get(judged.outcome) or told(judged, "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
