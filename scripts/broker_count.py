"""Count doubled and lost orders from the broker's own records.

Uses the standard library only, and nothing of the fleet.

    python scripts/broker_count.py SIGNALS.jsonl BROKER.json CLAIMS.json ACCOUNTS.json TARGETS.json

SIGNALS.jsonl: the open signals as they were submitted, one JSON object a line (id, open.take_profits).
BROKER.json: the list under `accounts` that `mt5fleet simulator deals --json` prints.
CLAIMS.json: what the fleet says: signal id -> account -> part -> state.
ACCOUNTS.json: account name -> login.
TARGETS.json: signal id -> list of account names it was meant for; a missing or empty list means all accounts.

doubled: opening orders at the broker beyond the first for one account, signal and part.
lost: an account, signal and part without a final state, or with one that the broker's records contradict:
said to be
executed and not there, or there although said to be refused.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

EXECUTED = {"FILLED", "PARTIALLY_FILLED", "ACCEPTED"}
REFUSED = {"DENIED", "REJECTED", "SUPERSEDED"}  # nothing may be at the broker
WITHDRAWN = {"CANCELED", "EXPIRED"}  # a resting order may be in the broker's history, but nothing executed
ENTRY_IN = 0
FIRST_RESTING_TYPE = 2  # 0 and 1 are market orders, 2 to 7 rest first
COMMENT_ID_CHARS = 20
OURS = re.compile(r"^mf\.(?P<signal>.{1,20})\.(?P<part>\d+)$")
READ_S_MAX = 60.0


@dataclass
class Count:
    """The result, with a line for each finding."""

    signals: int = 0
    accounts: int = 0
    states: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    lost: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Opening:
    """One deal of the fleet that opened something; a signal is known by the end of its id."""

    login: int
    ticket: int
    signal_tail: str
    part: int
    volume: Decimal


@dataclass(frozen=True)
class Openings:
    """Opening orders of one account by comment: how many there are, and how many of them were executed."""

    orders: Counter[str]
    executed: Counter[str]


def broker_records(address: str) -> list[dict]:
    """Everything a simulated broker has on record, account by account, asked for as a user would."""
    command = [sys.executable, "-m", "mt5fleet.cli.simulator", "deals", "--json", "--address", address]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=READ_S_MAX, check=True)
    return list(json.loads(answer.stdout)["accounts"])


def openings(broker: Iterable[dict]) -> list[Opening]:
    """Deals that opened a position for the fleet, in the broker's order of each account."""
    found = []
    for book in broker:
        for deal in sorted(book["deals"], key=lambda deal: deal["ticket"]):
            ours = OURS.match(deal["comment"])
            if ours is not None and deal["entry"] == ENTRY_IN:
                found.append(
                    Opening(
                        login=book["login"],
                        ticket=deal["ticket"],
                        signal_tail=ours["signal"],
                        part=int(ours["part"]),
                        volume=Decimal(deal["volume"]),
                    )
                )
    return found


def orders_per_signal(broker: Iterable[dict]) -> Counter[tuple[int, str]]:
    """How many opening orders stand behind each login and comment of ours; a part fill adds none."""
    return Counter(
        {
            (book["login"], comment): number
            for book in broker
            for comment, number in _openings(book).orders.items()
            if OURS.match(comment)
        }
    )


def doubled(broker: Iterable[dict]) -> dict[tuple[int, str], int]:
    """Orders that exist more than once; empty when every signal was executed once at most."""
    return {key: number for key, number in orders_per_signal(broker).items() if number > 1}


def count(
    signals: list[dict],
    broker: list[dict],
    claims: dict,
    accounts: dict[str, int],
    targets: dict[str, list[str]],
) -> Count:
    """Compare what was asked for, what the fleet claims and what the broker did."""
    result = Count(signals=len(signals), accounts=len(accounts))
    openings = {book["login"]: _openings(book) for book in broker}
    expected = set()
    for signal in signals:
        for name in targets.get(signal["id"]) or accounts:
            for part in range(len(signal["open"]["take_profits"])):
                comment = _comment(signal["id"], part)
                expected.add((accounts[name], comment))
                claimed = claims.get(signal["id"], {}).get(name, {}).get(str(part))
                _judge(result, f"{signal['id']}/{name}/{part}", claimed, openings[accounts[name]], comment)
    _unasked(result, openings, expected)
    return result


def _judge(result: Count, name: str, claimed: str | None, found: Openings, comment: str) -> None:
    orders, executed = found.orders[comment], found.executed[comment]
    result.states[claimed or "none"] += 1
    if orders > 1:
        result.doubled += orders - 1
        result.findings.append(f"{name}: {orders} orders at the broker")
    fits = {
        **dict.fromkeys(EXECUTED, orders > 0),
        **dict.fromkeys(REFUSED, orders == 0),
        **dict.fromkeys(WITHDRAWN, executed == 0),
    }
    if not fits.get(claimed or "none", False):
        result.lost += 1
        result.findings.append(
            f"{name}: said to be {claimed}; the broker has {orders} order(s), {executed} executed"
        )


def _unasked(result: Count, openings: dict[int, Openings], expected: set[tuple[int, str]]) -> None:
    for login, found in openings.items():
        for comment, number in found.orders.items():
            if comment.startswith("mf.") and (login, comment) not in expected:
                result.doubled += number
                result.findings.append(
                    f"{login}: {number} order(s) {comment} that no submitted signal asked for"
                )


def _openings(book: dict) -> Openings:
    """By the deals and orders themselves.

    An order opens when its deal entered, or when it is one that rests first.
    """
    entered = {deal["order"] for deal in book["deals"] if deal["entry"] == ENTRY_IN and deal["symbol"]}
    found = Openings(Counter(), Counter())
    for order in [*book["orders"], *book["history"]]:
        if order["ticket"] in entered:
            found.executed[order["comment"]] += 1
        if order["ticket"] in entered or order["type"] >= FIRST_RESTING_TYPE:
            found.orders[order["comment"]] += 1
    return found


def _comment(signal_id: str, part: int) -> str:
    readable = "".join(c for c in signal_id if c.isascii() and (c.isalnum() or c in "-_"))
    return f"mf.{readable[-COMMENT_ID_CHARS:]}.{part}"


def main(signals: str, *files: str) -> int:
    """Print the result as JSON; 0 only if nothing is doubled or lost."""
    lines = [json.loads(line) for line in Path(signals).read_text(encoding="utf-8").splitlines() if line]
    result = count(lines, *(json.loads(Path(name).read_text(encoding="utf-8")) for name in files))
    sys.stdout.write(json.dumps({**vars(result), "states": dict(result.states)}, indent=1) + "\n")
    return 0 if result.doubled == 0 and result.lost == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
