"""`mt5fleet queues`: the real backlog, and the wake-ups of the queue beside it."""

from collections.abc import Iterable
from datetime import datetime

import typer

from mt5fleet.cli.output import AsJson, print_json, say, shown, table
from mt5fleet.cli.tools import FleetOption, fleet_of, tools_of
from mt5fleet.domain.record import Backlog
from mt5fleet.ports.ledger import Ledger

ROWS_MAX = 50  # accounts shown to a person; --json has all


def queues(context: typer.Context, fleet: FleetOption = None, as_json: AsJson = False) -> None:
    """What waits: signals for intake, commands per account and lane, and Celery's wake-ups."""
    tools, read = tools_of(context), fleet_of(fleet)
    ledger = tools.connect_ledger(read.ledger_url(tools.environ))
    backlogs = ledger.backlog(tuple(sorted(ledger.accounts())))
    depths = tools.queue_depths(read.broker_url(tools.environ))
    if as_json:
        print_json(_json(ledger, backlogs, depths))
        return
    _show(ledger, backlogs, depths)


def _show(ledger: Ledger, backlogs: tuple[Backlog, ...], depths: dict[str, int]) -> None:
    now = ledger.now()
    waiting, oldest_at, owned = ledger.log_backlog()
    table(
        "Backlog",
        ("lane", "waiting", "oldest"),
        [
            ("signals for intake", waiting, _age(oldest_at, now)),
            *(
                (name, sum(waits for waits, _ in lane), _age(_oldest(at for _, at in lane), now))
                for name, lane in _lanes(backlogs).items()
            ),
        ],
    )
    say(f"intake {'has an owner' if owned else 'has no owner now'}")
    _show_accounts(backlogs, now)
    table("Wake-ups waiting in Celery", ("queue", "messages"), depths.items())


def _show_accounts(backlogs: tuple[Backlog, ...], now: datetime) -> None:
    busy = [one for one in backlogs if one.urgent or one.normal or one.in_doubt or one.flatten_due]
    rows = [
        (
            one.account,
            one.urgent,
            one.normal,
            one.in_doubt,
            _age(one.oldest_at, now),
            one.owned,
            one.flatten_due,
        )
        for one in busy[:ROWS_MAX]
    ]
    if rows:
        columns = ("account", "urgent", "normal", "in doubt", "oldest", "owner", "flatten due")
        table("Accounts with work", columns, rows)
    if len(busy) > ROWS_MAX:
        say(f"and {len(busy) - ROWS_MAX} more; --json has all")


def _lanes(backlogs: tuple[Backlog, ...]) -> dict[str, list[tuple[int, datetime | None]]]:
    """Waiting commands and the oldest arrival of each account, by lane."""
    return {
        "urgent": [(one.urgent, one.oldest_urgent_at) for one in backlogs],
        "normal": [(one.normal, one.oldest_normal_at) for one in backlogs],
        "in doubt": [(one.in_doubt, one.oldest_doubt_at) for one in backlogs],
    }


def _oldest(arrivals: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in arrivals if at is not None), default=None)


def _age(at: datetime | None, now: datetime) -> str | None:
    return None if at is None else f"{(now - at).total_seconds():.1f} s"


def _json(ledger: Ledger, backlogs: tuple[Backlog, ...], depths: dict[str, int]) -> dict[str, object]:
    now = ledger.now()
    waiting, oldest_at, owned = ledger.log_backlog()
    return {
        "at": shown(now),
        "intake": {"waiting": waiting, "oldest_age_s": _age_s(oldest_at, now), "owned": owned},
        "lanes": {
            name: {
                "waiting": sum(waits for waits, _ in lane),
                "oldest_age_s": _age_s(_oldest(at for _, at in lane), now),
            }
            for name, lane in _lanes(backlogs).items()
        },
        "accounts": [
            {
                "account": one.account,
                "urgent": one.urgent,
                "normal": one.normal,
                "in_doubt": one.in_doubt,
                "oldest_age_s": _age_s(one.oldest_at, now),
                "owned": one.owned,
                "flatten_due": one.flatten_due,
            }
            for one in backlogs
        ],
        "wake_ups": depths,
    }


def _age_s(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round((now - at).total_seconds(), 3)
