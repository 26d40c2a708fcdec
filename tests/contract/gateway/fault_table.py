"""What a caller is told, what the broker did and how it is settled: one row per operation and fault.

`docs/faults.md` is this table; `python -m tests.contract.gateway.fault_table` prints the page.
"""

from dataclasses import dataclass
from enum import StrEnum

FAR = {"delay_ms": 3000}  # past the bridge's deadline in the tests (2 s)
NEAR = {"delay_ms": 300}


class Told(StrEnum):
    """What the call answers at once."""

    DONE = "done"  # FILLED or APPLIED, or the value of a read
    PARTLY = "done in part"  # CANCELED with the volume that was filled
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    IN_DOUBT = "in doubt"
    UNREACHABLE = "error: unreachable"  # nothing was executed, by proof
    UNANSWERED = "error: unanswered"  # may have been executed
    WAITS = "waits"  # for ever: the module has no deadline, which is why there is a bridge


@dataclass(frozen=True, kw_only=True)
class Part:
    """One fault as the simulator takes it; `call` None strikes the operation's own call."""

    kind: str
    call: str | None = None
    terms: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong: how a person reads it, and the simulator's faults it is made of."""

    name: str
    sentence: str
    parts: tuple[Part, ...]


def _part(kind: str, call: str | None = None, **terms: object) -> Part:
    return Part(kind=kind, call=call, terms=terms)


def _fault(name: str, kind: str, sentence: str, *others: Part, **terms: object) -> Fault:
    return Fault(name=name, sentence=sentence, parts=(_part(kind, **terms), *others))


# Longer than every proof of absence in these tests (1.5 s): what is believed meanwhile would be wrong.
EMPTY = _part("empty_lists", "initialize", lasts_ms=2500)

FAULTS = {
    fault.name: fault
    for fault in (
        _fault("answer lost", "answer_lost", "executed, connection dropped before the answer"),
        _fault("connection lost", "connection_lost", "connection dropped before anything is executed"),
        _fault("late answer", "late_answer", "executed at once, answered 0.3 s later", **NEAR),
        _fault("answer too late", "late_answer", "executed at once, answered after the deadline", **FAR),
        _fault("slow", "latency", "executed 0.3 s later, then answered", **NEAR),
        _fault("blocks", "block", "never executed, never answered"),
        _fault("blocks after execution", "block_executed", "executed, never answered"),
        _fault("reject", "reject", "the broker refuses", retcode=10006),
        _fault("requote", "requote", "the broker offers another price"),
        _fault("price changed", "price_changed", "the price moved before the broker could fill (10020)"),
        _fault("off quotes", "off_quotes", "the broker has no quotes to fill with (10021)"),
        _fault("too many requests", "too_many_requests", "the broker counts too many requests (10024)"),
        _fault("partly filled", "partial_fill", "half of the volume is filled, the rest is cancelled"),
        _fault(
            "partly filled, answer lost",
            "partial_fill",
            "half of the volume is filled, the rest is cancelled, and nobody is told",
            _part("answer_lost"),
        ),
        _fault("none", "none", "the module gives None and last_error -1; not executed", code=-1),
        _fault("visibility lag", "visibility_lag", "records show 0.3 s later than they happen", **NEAR),
        _fault(
            "answer lost, then empty lists",
            "answer_lost",
            "executed, connection dropped; after the reconnect every list is empty, with success, for 2.5 s",
            EMPTY,
        ),
        _fault(
            "connection lost, then empty lists",
            "connection_lost",
            "connection dropped before execution; after the reconnect every list is empty for 2.5 s",
            EMPTY,
        ),
        _fault("disconnect", "disconnect", "the terminal has no broker for 1 s (10031)", lasts_ms=1000),
        _fault(
            "terminal restarts",
            "terminal_restart",
            "not executed; no terminal for 0.5 s, then its lists are empty for 2.5 s",
            lasts_ms=500,
            sync_ms=2500,
        ),
        _fault(
            "terminal restarts after execution",
            "terminal_restart",
            "executed; no terminal for 0.5 s, then its lists are empty for 2.5 s",
            lasts_ms=500,
            sync_ms=2500,
            executed=True,
        ),
        _fault(
            "server clock 3 h back",
            "server_offset",
            "the server's time stamps are three hours less than they were",
            shift_ms=-10_800_000,
        ),
        _fault(
            "server clock 3 h back, answer lost",
            "server_offset",
            "executed under stamps three hours less than before, connection dropped before the answer",
            _part("answer_lost"),
            shift_ms=-10_800_000,
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation under one fault.

    `executed` is how often the broker did it, `settled` what resolve says in the end.
    """

    operation: str
    fault: str
    module: Told
    bridge: Told
    executed: int | None = None  # None: a read changes nothing
    settled: str | None = None


_HARMLESS = ("late answer", "slow", "visibility lag", "server clock 3 h back")
_EXECUTED = (
    "answer lost",
    "answer lost, then empty lists",
    "terminal restarts after execution",
    "server clock 3 h back, answer lost",
)
_NOT_EXECUTED = (
    "connection lost",
    "none",
    "connection lost, then empty lists",
    "disconnect",
    "terminal restarts",
)
_MAY_BE_ASKED_AGAIN = ("requote", "price changed", "off quotes", "too many requests")


def _order(operation: str, goal: str) -> tuple[Row, ...]:
    """The rows of an operation that sends; `goal` is its state when it was executed."""

    def row(fault: str, module: Told, bridge: Told, executed: int, settled: str) -> Row:
        return Row(
            operation=operation, fault=fault, module=module, bridge=bridge, executed=executed, settled=settled
        )

    return (
        *(row(fault, Told.DONE, Told.DONE, 1, goal) for fault in _HARMLESS),
        *(row(fault, Told.IN_DOUBT, Told.IN_DOUBT, 1, goal) for fault in _EXECUTED),
        *(row(fault, Told.IN_DOUBT, Told.IN_DOUBT, 0, "NOT_SENT") for fault in _NOT_EXECUTED),
        *(row(fault, Told.NOT_SENT, Told.NOT_SENT, 0, "NOT_SENT") for fault in _MAY_BE_ASKED_AGAIN),
        row("answer too late", Told.DONE, Told.UNANSWERED, 1, goal),
        row("blocks", Told.WAITS, Told.UNANSWERED, 0, "NOT_SENT"),
        row("blocks after execution", Told.WAITS, Told.UNANSWERED, 1, goal),
        row("reject", Told.REJECTED, Told.REJECTED, 0, "REJECTED"),
    )


def _partly(operation: str) -> tuple[Row, ...]:
    """The rows of what can be filled in part, on a symbol that takes no all-or-nothing orders."""

    def row(fault: str, told: Told) -> Row:
        return Row(operation=operation, fault=fault, module=told, bridge=told, executed=1, settled="CANCELED")

    return (row("partly filled", Told.PARTLY), row("partly filled, answer lost", Told.IN_DOUBT))


def _read(
    operation: str,
    broken: Told = Told.UNREACHABLE,
    silent: Told = Told.UNANSWERED,
    apart: Told = Told.UNREACHABLE,
) -> tuple[Row, ...]:
    """The rows of a read: a value or an error, never an empty list.

    `broken` is told when the terminal fails, `silent` when the bridge gave it up at the deadline, `apart`
    when the terminal has lost its broker.
    """

    def row(fault: str, module: Told, bridge: Told) -> Row:
        return Row(operation=operation, fault=fault, module=module, bridge=bridge)

    return (
        row("answer lost", broken, broken),
        row("connection lost", broken, broken),
        row("late answer", Told.DONE, Told.DONE),
        row("answer too late", Told.DONE, silent),
        row("slow", Told.DONE, Told.DONE),
        row("blocks", Told.WAITS, silent),
        row("none", broken, broken),
        row("disconnect", apart, apart),
        row("terminal restarts", broken, broken),
        row("terminal restarts after execution", broken, broken),
        row("server clock 3 h back", Told.DONE, Told.DONE),
    )


#: The module's function that the fault strikes, by operation.
STRUCK = {
    "health": "account_info",
    "reading": "account_info",
    "instrument": "symbol_info",
    "quote": "symbol_info_tick",
    "positions": "positions_get",
    "orders": "orders_get",
    "deals": "history_deals_get",
    "check": "order_check",
    "resolve": "positions_get",
    "submit": "order_send",
    "close": "order_send",
    "modify": "order_send",
    "cancel": "order_send",
}

TABLE: tuple[Row, ...] = (
    *_order("submit", "FILLED"),
    *_order("close", "FILLED"),
    *_order("modify", "APPLIED"),
    *_order("cancel", "APPLIED"),
    *_partly("submit"),
    *_partly("close"),
    *_read("resolve", apart=Told.DONE),  # what the terminal shows of an executed order stays true
    *_read(
        "health", broken=Told.DONE, silent=Told.DONE, apart=Told.DONE
    ),  # it says that all is away, and why
    *_read("reading"),
    *_read("instrument", apart=Told.DONE),
    *_read("quote", apart=Told.DONE),  # the newest tick with its time; an open looks at its age
    *_read("positions"),
    *_read("orders"),
    *_read("deals", apart=Told.DONE),  # the link went while the proof that all deals are there was read
    *_read("check", apart=Told.DONE),  # a dry run that did not pass (10031)
)

_PAGE = """\
# What happens when something goes wrong

Every operation of the bridge under every fault of the simulator, as the contract suite runs it: over the
`MetaTrader5` module in one process, and over the wire through the bridge (deadline in the tests: 2 s).
This page is made from the suite's own table by `python -m tests.contract.gateway.fault_table`; a test fails
when the two differ.

"waits" means that the module never comes back, which is why every terminal has a process of its own with a
deadline; these rows are not run in process.
An error is not an answer: "unreachable" means that nothing was executed, "unanswered" that it may have been.
A read that fails is an error, never an empty list.
"settled" is what the fleet learns afterwards from the broker's records, without sending anything again.

## The faults

| fault | what the simulator does |
|---|---|
{faults}

## Operations that send

| operation | fault | told, in process | told, over the wire | executed at the broker | settled |
|---|---|---|---|---|---|
{sends}

## Operations that read

| operation | fault | told, in process | told, over the wire |
|---|---|---|---|
{reads}
"""


def page() -> str:
    """The table as a page."""
    faults = (f"| {fault.name} | {fault.sentence} |" for fault in FAULTS.values())
    sends = (
        f"| {row.operation} | {row.fault} | {row.module} | {row.bridge} | {row.executed} | {row.settled} |"
        for row in TABLE
        if row.executed is not None
    )
    reads = (
        f"| {row.operation} | {row.fault} | {row.module} | {row.bridge} |"
        for row in TABLE
        if row.executed is None
    )
    return _PAGE.format(faults="\n".join(faults), sends="\n".join(sends), reads="\n".join(reads))


if __name__ == "__main__":
    print(page(), end="")
