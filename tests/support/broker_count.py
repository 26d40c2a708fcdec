"""Counts orders in the broker's own records, by code of its own: nothing of the fleet is imported here.

The records come from `mt5fleet simulator deals --json`, run as a program. An order of the fleet is recognised
by the comment that the broker keeps: "mf.", the last twenty characters of the signal's id, ".", the part.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

COMMENT = re.compile(r"^mf\.(?P<signal>.{1,20})\.(?P<part>\d+)$")
ENTRY_IN = 0  # DEAL_ENTRY_IN of the vendor's constants
READ_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Opening:
    """One deal that opened something."""

    login: int
    ticket: int
    signal_tail: str
    part: int
    volume: Decimal


def broker_records(address: str) -> list[dict[str, Any]]:
    """Everything the broker has on record, account by account."""
    command = [sys.executable, "-m", "mt5fleet.cli.simulator", "deals", "--json", "--address", address]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=READ_S_MAX, check=True)
    return list(json.loads(answer.stdout)["accounts"])


def openings(records: Iterable[dict[str, Any]]) -> list[Opening]:
    """Deals that opened a position for the fleet, in the broker's order of each account."""
    found = []
    for account in records:
        for deal in sorted(account["deals"], key=lambda deal: int(deal["ticket"])):
            match = COMMENT.match(deal["comment"])
            if match is not None and int(deal["entry"]) == ENTRY_IN:
                found.append(_opening(int(account["login"]), deal, match))
    return found


def _opening(login: int, deal: dict[str, Any], match: re.Match[str]) -> Opening:
    return Opening(
        login=login,
        ticket=int(deal["ticket"]),
        signal_tail=match["signal"],
        part=int(match["part"]),
        volume=Decimal(deal["volume"]),
    )


def orders_per_signal(records: Iterable[dict[str, Any]]) -> Counter[tuple[int, str, int]]:
    """How many different orders stand behind each (login, signal's tail, part); a part fill adds none."""
    tickets: dict[tuple[int, str, int], set[int]] = {}
    for account in records:
        entered = [deal for deal in account["deals"] if int(deal["entry"]) == ENTRY_IN]
        named = [(int(deal["order"]), deal["comment"]) for deal in entered]
        named += [
            (int(order["ticket"]), order["comment"]) for order in account["orders"] + account["history"]
        ]
        for ticket, comment in named:
            match = COMMENT.match(comment)
            if match is not None:
                key = (int(account["login"]), match["signal"], int(match["part"]))
                tickets.setdefault(key, set()).add(ticket)
    return Counter({key: len(found) for key, found in tickets.items()})


def doubled(records: list[dict[str, Any]]) -> dict[tuple[int, str, int], int]:
    """Orders that exist more than once; empty when every signal was executed once at most."""
    return {key: count for key, count in orders_per_signal(records).items() if count > 1}
