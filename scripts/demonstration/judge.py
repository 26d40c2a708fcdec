"""What came of it: claims of the fleet, records of the broker, and the latencies between them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import quantiles
from typing import Any

from broker_count import Count, count
from demonstration.plan import ACCOUNTS
from mt5fleet.client import FleetClient
from mt5fleet.domain.record import SignalStatus
from mt5fleet.domain.signal import Open, Signal
from mt5fleet.messages import dump_signal
from mt5fleet.simulator.client import BrokerControl

MOVING = {"RECEIVED", "SUBMITTING", "NOT_SENT", "IN_DOUBT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything the demo reports."""

    signals: list[Signal]
    statuses: dict[str, SignalStatus]
    broker: list[dict[str, Any]]
    count: Count
    receipts_ms: list[float]

    def states(self, account: str) -> Counter[str]:
        """How many orders of an account ended in which state."""
        return Counter(
            str(order.state)
            for status in self.statuses.values()
            for order in status.orders
            if order.account == account
        )

    def denials(self, account: str) -> Counter[str]:
        """Why orders of an account were denied."""
        orders = (
            order for status in self.statuses.values() for order in status.orders if order.account == account
        )
        return Counter(order.reason for order in orders if order.state == "DENIED")

    def filled_signals(self) -> int:
        """Signals that filled on at least one account."""
        return sum(
            any(order.state == "FILLED" for order in status.orders) for status in self.statuses.values()
        )


def settled(client: FleetClient, ids: Iterable[str]) -> bool:
    """Whether no order of these signals is on its way any more (resting orders are not on their way)."""
    return all(_settled(client.status(signal_id)) for signal_id in ids)


def _settled(status: SignalStatus) -> bool:
    if status.phase in {"refused", "final"}:
        return True
    return bool(status.orders) and not any(order.state in MOVING for order in status.orders)


def read_result(client: FleetClient, signals: list[Signal], simulator: str) -> Result:
    """Read claims and records, and compare them with a counter that knows nothing of the fleet."""
    statuses = {signal.id: client.status(signal.id) for signal in signals}
    with BrokerControl(simulator) as control:
        broker, offset_ms = control.all_truth(), control.status()["utc_offset_ms"]
    opens = [signal for signal in signals if isinstance(signal.instruction, Open)]
    return Result(
        signals=opens,
        statuses=statuses,
        broker=broker,
        count=_count(opens, statuses, broker),
        receipts_ms=_receipts_ms(opens, statuses, broker, offset_ms),
    )


def _count(opens: list[Signal], statuses: dict[str, SignalStatus], broker: list[dict[str, Any]]) -> Count:
    logins = {account.name: account.login for account in ACCOUNTS}
    claims: dict[str, dict[str, dict[str, str]]] = {}
    for signal_id, status in statuses.items():
        for order in status.orders:
            claims.setdefault(signal_id, {}).setdefault(order.account, {})[str(order.part)] = str(order.state)
    targets = {signal.id: sorted(signal.targets.accounts) for signal in opens}
    return count([dump_signal(signal) for signal in opens], broker, claims, logins, targets)


def _receipts_ms(
    opens: list[Signal], statuses: dict[str, SignalStatus], broker: list[dict[str, Any]], offset_ms: int
) -> list[float]:
    """Milliseconds from the making of a signal to the broker's own receipt stamp of each of its orders."""
    made = {signal.id: signal.created_at for signal in opens}
    stamps = {
        (book["login"], order["ticket"]): order["time_setup_ms"] - offset_ms
        for book in broker
        for order in [*book["orders"], *book["history"]]
    }
    logins = {account.name: account.login for account in ACCOUNTS}
    found = []
    for signal_id, status in statuses.items():
        for order in status.orders if signal_id in made else ():
            ticket = order.outcome.order_ticket if order.outcome else None
            stamp = stamps.get((logins[order.account], ticket))
            if stamp is not None:
                found.append(stamp - _epoch_ms(made[signal_id]))
    return found


def _epoch_ms(moment: datetime) -> float:
    return moment.timestamp() * 1000


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th percentile."""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def equity(result: Result, login: int) -> tuple[Decimal, Decimal]:
    """Equity of an account at the broker, and its fall from the starting balance in percent."""
    book = next(book for book in result.broker if book["login"] == login)
    start = next(Decimal(account.balance) for account in ACCOUNTS if account.login == login)
    now = Decimal(book["equity"])
    return now, (start - now) / start * 100
