"""What a fault is told: kind, whom it strikes, when and how often. A script is a list of these."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from mt5fleet.simulator.terms.base import Terms

DELAY_MS_MAX = 3_600_000
LASTS_MS_MAX = 7 * 24 * 3_600_000
SHIFT_MS_MAX = 24 * 3_600_000
"""A server further off than a day has another date, not another offset."""

SCRIPT_S_MAX = 366 * 24 * 3600.0
TIMES_MAX = 10_000
"""Repetitions of one fault of a script; more has lost count."""

AT_ONCE = ""
"""The `call` of a fault that waits for no call."""


class FaultKind(StrEnum):
    """What goes wrong."""

    ANSWER_LOST = "answer_lost"  # executed, then the connection is dropped without an answer
    CONNECTION_LOST = "connection_lost"  # dropped before anything is executed
    LATE_ANSWER = "late_answer"  # executed at once, answered delay_ms later
    LATENCY = "latency"  # executed delay_ms later, then answered
    BLOCK = "block"  # never executed, never answered
    BLOCK_EXECUTED = "block_executed"  # executed, never answered
    REJECT = "reject"  # answered with `retcode`, not executed
    REQUOTE = "requote"  # answered 10004 with the current quote, not executed
    PRICE_CHANGED = "price_changed"  # answered 10020 with the current quote, not executed
    OFF_QUOTES = "off_quotes"  # answered 10021, not executed
    TOO_MANY_REQUESTS = "too_many_requests"  # answered 10024, not executed
    PARTIAL_FILL = "partial_fill"  # only `share` of the volume is filled, answered 10010
    NONE = "none"  # the call gives None and last_error (code, text); not executed
    EMPTY_LISTS = "empty_lists"  # from the struck call on `lists` are empty, with success, for lasts_ms
    VISIBILITY_LAG = "visibility_lag"  # records show up to delay_ms later; stands until set to 0
    SERVER_OFFSET = "server_offset"  # the server's clock is shift_ms off, for lasts_ms or until cleared
    DISCONNECT = "disconnect"  # the terminal has no broker for lasts_ms: 10031, and it shows what it knew
    TERMINAL_RESTART = (
        "terminal_restart"  # connections dropped, no terminal for lasts_ms, then `sync_ms` empty
    )


class RecordList(StrEnum):
    """Lists that a terminal may show empty while it synchronises."""

    POSITIONS = "positions"
    ORDERS = "orders"
    HISTORY_ORDERS = "history_orders"
    HISTORY_DEALS = "history_deals"


DELAYS = frozenset({FaultKind.LATENCY, FaultKind.LATE_ANSWER})
BESIDE_AN_END = frozenset({*DELAYS, FaultKind.PARTIAL_FILL, FaultKind.EMPTY_LISTS})
"""They change a call, and another fault may decide its end."""

HELD = frozenset({FaultKind.VISIBILITY_LAG, FaultKind.SERVER_OFFSET, FaultKind.DISCONNECT})
"""They do nothing to the call that sets them off, they hold from it on."""

_USUAL_CALLS = {
    FaultKind.EMPTY_LISTS: "initialize",
    FaultKind.SERVER_OFFSET: AT_ONCE,
    FaultKind.DISCONNECT: AT_ONCE,
    FaultKind.TERMINAL_RESTART: AT_ONCE,
}
_ANSWERS = frozenset(
    {
        *(FaultKind.REJECT, FaultKind.REQUOTE, FaultKind.PRICE_CHANGED, FaultKind.OFF_QUOTES),
        *(FaultKind.TOO_MANY_REQUESTS, FaultKind.PARTIAL_FILL),
    }
)
_MAY_WAIT_FOR_NO_CALL = frozenset({*HELD, FaultKind.TERMINAL_RESTART})
_LASTING = frozenset({FaultKind.EMPTY_LISTS, FaultKind.DISCONNECT, FaultKind.TERMINAL_RESTART})


class FaultTerms(Terms):
    """One fault: matching calls are counted, the first `after` pass, the next `count` go wrong.

    `at_s`, `for_s`, `every_s` and `times` are seconds of the broker's clock since the fault was told.
    """

    kind: FaultKind
    login: int | None = None  # None: every account
    call: str = "order_send"  # name of the module's function, "*" for every one, "" for at once
    after: int = Field(default=0, ge=0)
    count: int | None = Field(default=1, ge=1)  # None (in TOML: 0): for ever
    chance: float = Field(default=1.0, gt=0, le=1)  # share of due calls that go wrong, seeded
    delay_ms: int = Field(default=0, ge=0, le=DELAY_MS_MAX)
    retcode: int = Field(default=10006, ge=10000, le=10999)
    code: int = -1
    text: str = Field(default="Terminal: Call failed", max_length=200)
    # --- faults that hold for a while ---
    lasts_ms: int = Field(default=0, ge=0, le=LASTS_MS_MAX)
    sync_ms: int = Field(default=0, ge=0, le=LASTS_MS_MAX)  # terminal_restart: lists stay empty so long
    executed: bool = False  # terminal_restart: the struck call is executed before the terminal goes
    shift_ms: int = Field(default=0, ge=-SHIFT_MS_MAX, le=SHIFT_MS_MAX)
    share: Decimal = Field(default=Decimal("0.5"), gt=0, lt=1)  # partial_fill: of the volume asked for
    lists: tuple[RecordList, ...] = Field(default=tuple(RecordList), min_length=1, max_length=len(RecordList))
    # --- when, in a script ---
    at_s: float = Field(default=0, ge=0, le=SCRIPT_S_MAX)  # told or armed so much later
    for_s: float | None = Field(default=None, gt=0, le=SCRIPT_S_MAX)  # armed so long, whatever `count` says
    every_s: float | None = Field(default=None, gt=0, le=SCRIPT_S_MAX)  # again, `times` times in all
    times: int = Field(default=1, ge=1, le=TIMES_MAX)

    @model_validator(mode="before")
    @classmethod
    def _with_usual_values(cls, values: Any) -> Any:  # noqa: ANN401  # whatever a file or a caller gives
        if not isinstance(values, dict):
            return values
        usual: dict[str, object] = {}
        if values.get("for_s") is not None:
            usual["count"] = None
        if values.get("kind") in _USUAL_CALLS:
            usual["call"] = _USUAL_CALLS[FaultKind(values["kind"])]
        return usual | values

    @field_validator("count", mode="before")
    @classmethod
    def _zero_is_for_ever(cls, count: object) -> object:
        return None if count == 0 else count

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind in DELAYS and self.delay_ms == 0:
            raise ValueError(f"delay_ms: {self.kind} needs a delay above 0")
        if self.kind in _LASTING and self.lasts_ms == 0:
            raise ValueError(f"lasts_ms: {self.kind} needs a length above 0")
        if self.kind is FaultKind.SERVER_OFFSET and self.shift_ms == 0:
            raise ValueError("shift_ms: server_offset needs a shift that is not 0")
        if self.kind in _ANSWERS and self.call != "order_send":
            raise ValueError(f"call: {self.kind} is an answer of order_send only")
        return self

    @model_validator(mode="after")
    def _comes_when_it_can(self) -> Self:
        if self.call == AT_ONCE and self.kind not in _MAY_WAIT_FOR_NO_CALL:
            raise ValueError(f"call: {self.kind} strikes a call; name it, or * for any")
        if self.kind is FaultKind.SERVER_OFFSET and self.login is not None:
            raise ValueError("login: the server's clock is everybody's; leave it out")
        if self.times > 1 and self.every_s is None:
            raise ValueError("every_s: needed when `times` is above 1")
        return self

    @property
    def waits_for_a_call(self) -> bool:
        return self.call != AT_ONCE and self.kind is not FaultKind.VISIBILITY_LAG
