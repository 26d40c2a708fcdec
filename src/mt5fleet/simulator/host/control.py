"""What an operator or a test may command a broker, and the broker's truth in plain values."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from pydantic import ValidationError

from mt5fleet.simulator.accounts.books import AccountBook, UnknownAccountError
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.broker import Broker, RefusedError
from mt5fleet.simulator.clock import SimulatedClock
from mt5fleet.simulator.host.fault_terms import FaultTerms
from mt5fleet.simulator.host.faults import TooManyFaultsError
from mt5fleet.simulator.market import MS_PER_S
from mt5fleet.simulator.terms.base import sentences

Parameters: TypeAlias = Mapping[str, Any]


def command(broker: Broker, name: str, parameters: Parameters) -> object:
    """Carry out one command and return a plain answer.

    Raises:
        RefusedError: The command is unknown or breaks a rule; the text names field and rule.
    """
    handler = _COMMANDS.get(name)
    if handler is None:
        raise RefusedError(f"command: no command {name}; known: {', '.join(sorted(_COMMANDS))}")
    broker.advance()
    try:
        return handler(broker, parameters)
    except ValidationError as error:
        raise RefusedError(sentences(error)) from error
    except KeyError as error:
        raise RefusedError(f"{error.args[0]}: needed") from error
    except (UnknownAccountError, TooManyFaultsError, NoRateError) as error:
        raise RefusedError(str(error)) from error


def _quote(broker: Broker, parameters: Parameters) -> None:
    broker.set_quote(parameters["symbol"], _number(parameters, "bid"), _number(parameters, "ask"))


def _release_quotes(broker: Broker, _: Parameters) -> None:
    broker.release_quotes()


def _deposit(broker: Broker, parameters: Parameters) -> dict[str, Any]:
    deal = broker.deposit(parameters["login"], _number(parameters, "amount"), parameters.get("comment", ""))
    return deal.to_row()


def _reset(broker: Broker, parameters: Parameters) -> None:
    broker.reset(parameters.get("login"))


def _fault(broker: Broker, parameters: Parameters) -> None:
    broker.add_fault(FaultTerms.model_validate(parameters["fault"]))


def _fault_script(broker: Broker, parameters: Parameters) -> int:
    faults = [FaultTerms.model_validate(entry) for entry in parameters["faults"]]
    broker.add_faults(faults)
    return len(faults)


def _faults(broker: Broker, _: Parameters) -> dict[str, Any]:
    def rows(faults: list[FaultTerms]) -> list[dict[str, Any]]:
        return [terms.model_dump(mode="json") for terms in faults]

    plan = broker.faults
    return {"standing": rows(plan.standing()), "planned": rows(plan.planned()), "fired": plan.fired()}


def _clear_faults(broker: Broker, parameters: Parameters) -> None:
    broker.clear_faults(parameters.get("login"))


def _switch(broker: Broker, parameters: Parameters) -> None:
    broker.switch(parameters["login"], parameters["changes"])


def _clock(broker: Broker, _: Parameters) -> dict[str, Any]:
    clock = broker.market.clock
    now_ms = clock.now_ms()
    return {
        "now_ms": now_ms,
        "now": datetime.fromtimestamp(now_ms / MS_PER_S, UTC).isoformat(timespec="milliseconds"),
        "speed": clock.speed if isinstance(clock, SimulatedClock) else None,
        "server_time_ms": broker.market.server_ms(),
    }


def _clock_set(broker: Broker, parameters: Parameters) -> dict[str, Any]:
    now_ms = _moment_ms(parameters)
    broker.tell_clock(lambda clock: clock.set_ms(now_ms))
    return _clock(broker, parameters)


def _clock_step(broker: Broker, parameters: Parameters) -> dict[str, Any]:
    duration_ms = int(_number(parameters, "duration_ms"))
    broker.tell_clock(lambda clock: clock.step_ms(duration_ms))
    return _clock(broker, parameters)


def _clock_speed(broker: Broker, parameters: Parameters) -> dict[str, Any]:
    speed = float(_number(parameters, "speed"))
    broker.tell_clock(lambda clock: clock.set_speed(speed))
    return _clock(broker, parameters)


def _moment_ms(parameters: Parameters) -> int:
    """Return `now` in milliseconds: written as ISO 8601 with an offset from UTC, or as milliseconds."""
    given = parameters["now"]
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        raise RefusedError(f"now: {given!r} is not a time such as 2026-11-20T21:58:00+00:00") from None
    if moment.tzinfo is None:
        raise RefusedError("now: needs its offset from UTC, such as 2026-11-20T21:58:00+00:00")
    return round(moment.timestamp() * MS_PER_S)


def _status(broker: Broker, _: Parameters) -> dict[str, Any]:
    return {
        "accounts": sorted(broker.market.terms),
        "symbols": sorted(broker.market.specs),
        "server_time_ms": broker.market.server_ms(),
        "utc_offset_ms": broker.market.server_time.offset_ms(broker.market.clock.now_ms()),
    }


def _quotes(broker: Broker, _: Parameters) -> dict[str, dict[str, object]]:
    board, specs = broker.market.board, broker.market.specs
    found = ((name, board.get(name), spec.digits) for name, spec in sorted(specs.items()))
    return {
        name: {"bid": str(quote.bid), "ask": str(quote.ask), "digits": digits}
        for name, quote, digits in found
        if quote is not None
    }


def _truth(broker: Broker, parameters: Parameters) -> dict[str, Any]:
    """Return one account's records as they are, whatever its terminal is shown."""
    login = parameters["login"]
    book, terms = broker.market.books.account(login), broker.terms(login)
    account = {
        "login": login,
        "server": terms.server,
        "currency": terms.currency,
        "balance": str(book.balance),
    }
    return account | _worth(broker, login) | _records(book)


def _worth(broker: Broker, login: int) -> dict[str, Any]:
    try:
        worth = broker.worth(login)
    except NoRateError:
        return {"equity": None, "margin": None}  # not known is not zero
    return {"equity": str(worth.equity), "margin": str(worth.margin)}


def _records(book: AccountBook) -> dict[str, Any]:
    return {
        "positions": [row.to_row() for row in book.positions.values()],
        "orders": [row.to_row() for row in book.orders.values()],
        "history": [row.to_row() for row in book.history.values()],
        "deals": [row.to_row() for row in book.deals.values()],
    }


def _number(parameters: Parameters, name: str) -> Decimal:
    try:
        number = Decimal(str(parameters[name]))
    except InvalidOperation:
        raise RefusedError(f"{name}: {parameters[name]!r} is not a number") from None
    if not number.is_finite():
        raise RefusedError(f"{name}: must be finite")
    return number


_COMMANDS: dict[str, Callable[[Broker, Parameters], object]] = {
    "quote": _quote,
    "quotes": _quotes,
    "release_quotes": _release_quotes,
    "deposit": _deposit,
    "reset": _reset,
    "fault": _fault,
    "fault_script": _fault_script,
    "faults": _faults,
    "clear_faults": _clear_faults,
    "switch": _switch,
    "clock": _clock,
    "clock_set": _clock_set,
    "clock_step": _clock_step,
    "clock_speed": _clock_speed,
    "status": _status,
    "truth": _truth,
}
