"""What Flower shows of a wake-up: which signals, what became of them, why something waits. Never a secret."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.service.drain import DrainReport
from mt5fleet.service.guard import GuardReport
from mt5fleet.service.intake import IntakeReport
from mt5fleet.service.notify import DeliverReport
from mt5fleet.service.sweep import SweepReport
from tasks.runtime import Report

NAMES_MAX = 10  # shown by name; then a count. Flower cuts a result at 1,024 characters
REASONS_MAX = 3  # accounts whose reason is told
REASON_CHARS_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What became of the accounts of one wake-up; `failed` are sentences, by account."""

    reports: tuple[DrainReport, ...]
    failed: Mapping[str, str]

    @property
    def states(self) -> list[OrderState]:
        """The state of every order that was moved."""
        return [order.state for report in self.reports for order in report.handled]


def drained_report(drained: Drained) -> Report:
    """Signals handled, outcomes, and what waits or failed."""
    ids = [order.signal_id for report in drained.reports for order in report.handled]
    waiting = {report.account: report.reason for report in drained.reports if report.reason}
    return {
        **_named("signals", ids),
        "outcomes": dict(Counter(state.value for state in drained.states)),
        **_told("waiting", waiting),
        **_told("failed", drained.failed),
    }


def intake_report(report: IntakeReport) -> Report:
    """Signals taken in, and what became of them."""
    return {
        **_named("signals", report.signals),
        "accepted": report.accepted,
        "refused": report.refused,
        "orders": report.commands,
        **({"reason": report.reason} if report.reason else {}),
    }


def sweep_report(report: SweepReport) -> Report:
    """Accounts that were woken."""
    woken: Report = {**_named("urgent", report.urgent), **_named("normal", report.normal)}
    return {**woken, "intake": report.intake, "notifications": report.notifications}


def guard_report(report: GuardReport) -> Report:
    """How many accounts were judged, and which ones stand out."""
    return {
        "judged": report.judged,
        **_named("blind", report.blind),
        **_named("breached", report.breached),
        **_named("unconfirmed", report.unconfirmed),
        **_named("late_bridges", report.late_bridges),
        **({"checkpoints_failed": report.checkpoints_failed} if report.checkpoints_failed else {}),
    }


def deliver_report(report: DeliverReport) -> Report:
    """Deliveries that succeeded, and channels that failed."""
    return {"delivered": report.delivered, **_named("failed", report.failed)}


def _named(what: str, names: Iterable[str]) -> Report:
    """The first names, then a count of the rest; nothing at all when there are none."""
    every = list(dict.fromkeys(names))
    if not every:
        return {}
    more = len(every) - NAMES_MAX
    return {what: every[:NAMES_MAX], **({f"{what}_more": more} if more > 0 else {})}


def _told(what: str, reasons: Mapping[str, str]) -> Report:
    if not reasons:
        return {}
    first = list(reasons.items())[:REASONS_MAX]
    more = len(reasons) - REASONS_MAX
    shown = {account: reason[:REASON_CHARS_MAX] for account, reason in first}
    return {what: shown, **({f"{what}_more": more} if more > 0 else {})}
