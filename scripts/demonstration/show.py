"""What the demo prints."""

from rich.console import Console
from rich.table import Table

from demonstration.judge import Result, equity, percentiles
from demonstration.plan import ACCOUNTS

FINDINGS_MAX = 20


def parts(console: Console, known: list[dict[str, object]]) -> None:
    """Every process with its role."""
    for part in known:
        console.print(f"  started {part['name']:<14} role={part['role']:<10} pid={part['pid']}")


def accounts(console: Console, result: Result) -> None:
    """One line per account: orders, fills, denials with reasons, equity, drawdown."""
    table = Table(title="Accounts", title_justify="left")
    for column in (
        "account",
        "orders",
        "filled",
        "resting",
        "denied",
        "expired",
        "why denied",
        "equity",
        "fall %",
    ):
        table.add_column(column, justify="left" if column in {"account", "why denied"} else "right")
    for account in ACCOUNTS:
        states, denials = result.states(account.name), result.denials(account.name)
        worth, fall = equity(result, account.login)
        table.add_row(
            account.name,
            str(states.total()),
            str(states["FILLED"]),
            str(states["ACCEPTED"] + states["CANCELED"]),
            str(states["DENIED"]),
            str(states["EXPIRED"]),
            ", ".join(f"{reason} {number}" for reason, number in denials.most_common()),
            f"{worth:.2f} {account.currency}",
            f"{fall:.2f}",
        )
    console.print(table)


def latency(console: Console, result: Result) -> None:
    """From submit to the broker's receipt, over everything the demo did, the killed worker included."""
    p50, p95, p99 = percentiles(result.receipts_ms)
    console.print(
        f"submit to broker receipt, under load and with one worker killed: p50={p50:.0f} ms p95={p95:.0f} ms "
        f"p99={p99:.0f} ms over {len(result.receipts_ms)} orders"
    )


def last_line(console: Console, result: Result) -> int:
    """The verdict, counted from the broker's own records; 0 only if nothing is doubled or lost."""
    found, states = result.count, result.count.states
    for finding in found.findings[:FINDINGS_MAX]:
        console.print(f"[red]{finding}")
    filled, asked = result.filled_signals(), len(result.signals)
    console.print(
        f"signals filled on at least one account: {filled} of {asked} ({filled / asked * 100:.0f} %)"
    )
    console.print(
        f"demo: signals={found.signals} accounts={found.accounts} filled={states['FILLED']} "
        f"denied={states['DENIED']} expired={states['EXPIRED']} doubled={found.doubled} lost={found.lost}",
        highlight=False,
        soft_wrap=True,
    )
    return 0 if found.doubled == 0 and found.lost == 0 else 1
