"""Which records a call asks for: by ticket, symbol, group, position or time."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from mt5fleet.simulator.accounts.rows import Order, Position
from mt5fleet.simulator.host.masks import matches
from mt5fleet.simulator.market import MS_PER_S

Parameters: TypeAlias = Mapping[str, Any]
Row = TypeVar("Row", Position, Order)


def chosen(rows: Mapping[int, Row], parameters: Parameters) -> list[Row]:
    """Return the rows of `ticket`, `symbol` or `group`: the first that is named counts."""
    if "ticket" in parameters:
        return [rows[parameters["ticket"]]] if parameters["ticket"] in rows else []
    if "symbol" in parameters:
        return [row for row in rows.values() if row.symbol == parameters["symbol"]]
    if "group" in parameters:
        return [row for row in rows.values() if matches(parameters["group"], row.symbol)]
    return list(rows.values())


def in_history(parameters: Parameters, ticket: int, position: int, time_ms: int, symbol: str) -> bool:
    """Tell whether a record of the history is asked for, by ticket, position, or time and group."""
    if "ticket" in parameters:
        return ticket == int(parameters["ticket"])
    if "position" in parameters:
        return position != 0 and position == int(parameters["position"])
    since_s, until_s = int(parameters["since_s"]), int(parameters["until_s"])
    if not since_s <= time_ms // MS_PER_S <= until_s:
        return False
    return "group" not in parameters or matches(parameters["group"], symbol)
