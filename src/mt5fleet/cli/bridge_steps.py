"""What `bridge check` looks at, step by step: what was found, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mt5fleet import __version__
from mt5fleet.bridge_terms import TerminalTerms
from mt5fleet.domain.broker import Health

CLOCK_SKEW_MS_MAX = 500  # further from the ledger's clock a bridge refuses opens (design, section 5)


class Result(StrEnum):
    """How a step ended."""

    OK = "ok"
    WARNING = "warning"  # works, and somebody should know
    FAILED = "failed"
    SKIPPED = "skipped"  # an earlier step failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the table; `todo` says what to do next."""

    name: str
    result: Result
    says: str
    todo: str = ""


def passed(name: str, says: str) -> Step:
    """A step that is as it should be."""
    return Step(name=name, result=Result.OK, says=says)


def warned(name: str, says: str, todo: str) -> Step:
    """A step that lets the fleet work, and should be seen to."""
    return Step(name=name, result=Result.WARNING, says=says, todo=todo)


def failed(name: str, says: str, todo: str) -> Step:
    """A step that is not as it should be."""
    return Step(name=name, result=Result.FAILED, says=says, todo=todo)


def skipped(name: str, says: str) -> Step:
    """A step that could not be looked at."""
    return Step(name=name, result=Result.SKIPPED, says=says)


def any_failed(steps: Sequence[Step]) -> bool:
    """Whether something must be mended."""
    return any(step.result is Result.FAILED for step in steps)


def bridge_steps(health: Health, asked_at: datetime, answered_at: datetime) -> list[Step]:
    """What one health says of the bridge as a whole; asked and answered by this machine's clock."""
    return [_version(health), _clock(health, asked_at, answered_at), _people(health)]


def account_steps(account: str, health: Health, terms: TerminalTerms) -> list[Step]:
    """What a health says of one account, against its configuration."""
    standing = [_latch(account, health), _floor(account, health), _shadow(health, terms)]
    journal = _journal(health)
    terminal = _terminal(health, terms)
    if terminal.result is Result.FAILED:
        why = "the terminal is not connected"
        return [journal, terminal, *(skipped(name, why) for name in TERMINAL_STEPS), *standing]
    login, mode = _login(account, health, terms), _mode(account, health, terms)
    return [
        journal,
        terminal,
        login,
        mode,
        _switches(health, login),
        _fitness(health, login, mode),
        _build(health),
        _offset(account, health, terms),
        *standing,
    ]


TERMINAL_STEPS = ("login and server", "mode", "algo trading", "opens", "terminal build", "server time")


def _version(health: Health) -> Step:
    if health.version == __version__:
        return passed("version", f"{health.version} on both sides")
    return warned(
        "version",
        f"the bridge is {health.version}, this is {__version__}",
        "update the older side; the workers must fit the bridge, too",
    )


def _clock(health: Health, asked_at: datetime, answered_at: datetime) -> Step:
    """The bridge's clock must have stood between question and answer."""
    ahead_s = (health.bridge_at - answered_at).total_seconds()
    behind_s = (asked_at - health.bridge_at).total_seconds()
    apart_ms = round(max(ahead_s, behind_s, 0) * 1000)
    if apart_ms <= CLOCK_SKEW_MS_MAX:
        return passed("clock", "agrees with this machine" if not apart_ms else f"{apart_ms} ms apart")
    way = "ahead of" if ahead_s > 0 else "behind"
    return failed(
        "clock",
        f"the bridge's clock is {apart_ms} ms {way} this machine's, {CLOCK_SKEW_MS_MAX} ms are allowed",
        "set both by time servers (chrony, or `w32tm /resync` on Windows)",
    )


def _people(health: Health) -> Step:
    if health.risk_people:
        return passed("people", f"{', '.join(health.risk_people)} can lift a halt")
    return warned(
        "people",
        "nobody in the bridge's people file can lift a halt now",
        "mt5fleet people add NAME --role risk, then copy people.toml to the bridge's host; if it is there,"
        " the bridge's log says what is wrong with it",
    )


def _journal(health: Health) -> Step:
    if not health.journal_writable:
        return failed(
            "journal",
            f"{health.journal_id} cannot be written: opens are refused",
            "see that the disk of journal_dir is there and not full, then start the bridge again",
        )
    return passed("journal", f"{health.journal_id}, {health.journal_sequence} writes")


def _terminal(health: Health, terms: TerminalTerms) -> Step:
    # A terminal with another account in it is there; the next step says what is wrong with it.
    if health.connected or _is_other(health, terms):
        return passed("terminal", f"connected to {health.company or 'its broker'}")
    return failed(
        "terminal",
        "; ".join(health.why_not) or "not connected",
        "on the bridge's host: does the terminal run, is the password right, is it online?",
    )


def _is_other(health: Health, terms: TerminalTerms) -> bool:
    return health.login is not None and (health.login, health.server) != (terms.login, terms.server)


def _login(account: str, health: Health, terms: TerminalTerms) -> Step:
    found = f"{health.login} on {health.server}"
    if not _is_other(health, terms):
        return passed("login and server", found)
    return failed(
        "login and server",
        f"the terminal is logged in as {found}, configured is {terms.login} on {terms.server}",
        f"log the terminal in to the configured account, or correct accounts.{account}",
    )


def _mode(account: str, health: Health, terms: TerminalTerms) -> Step:
    if health.mode is terms.mode:
        return passed("mode", str(terms.mode))
    return failed(
        "mode",
        f"the account is {health.mode or 'of a kind the terminal does not tell'}, configured is {terms.mode}",
        f"correct accounts.{account}.mode in the file, or log in to the account that was meant",
    )


def _switches(health: Health, login: Step) -> Step:
    if login.result is Result.FAILED:
        return skipped("algo trading", "another account is logged in")
    if health.trade_allowed:
        return passed("algo trading", "every switch is on")
    return failed("algo trading", "; ".join(health.why_not), "switch it on there and check again")


def _fitness(health: Health, login: Step, mode: Step) -> Step:
    """What lets closes go and refuses opens, beside mode and switches, which have steps of their own."""
    if Result.FAILED in {login.result, mode.result} or not health.trade_allowed:
        return skipped("opens", "see the steps above")
    if health.why_not:
        return failed("opens", "; ".join(health.why_not), "closes go on; opens wait until this is mended")
    return passed("opens", "nothing stands against them")


def _build(health: Health) -> Step:
    if health.build_before is None:
        return passed("terminal build", str(health.build))
    return passed("terminal build", f"{health.build}, updated from {health.build_before}")


def _offset(account: str, health: Health, terms: TerminalTerms) -> Step:
    name = "server time"
    if health.server_offset_s is None:
        return warned(
            name,
            "the server's distance from UTC is not known: no price has arrived yet (market closed?)",
            f"opens wait for a price: check again then, or set accounts.{account}.server_offset_s",
        )
    source = "from its prices" if terms.server_offset_s is None else "as configured"
    moved = "" if health.offset_before_s is None else f", before {zone(health.offset_before_s)}"
    return passed(name, f"{zone(health.server_offset_s)} {source}{moved}")


def zone(offset_s: int) -> str:
    """A distance from UTC for people."""
    minutes = abs(offset_s) // 60
    return f"UTC{'-' if offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _latch(account: str, health: Health) -> Step:
    if health.latch is None:
        return passed("latch", "none")
    by = "the bridge itself raised it" if health.latch.local else f"halt {health.latch.sequence}"
    return failed(
        "latch",
        f"opens are refused since {health.latch.at:%Y-%m-%d %H:%M:%S} UTC: {health.latch.reason} ({by})",
        f"a person with the role risk lifts it: mt5fleet accounts resume {account}",
    )


def _floor(account: str, health: Health) -> Step:
    if health.floor is None:
        return warned(
            "floor",
            "none: while the ledger is away, no loss makes the bridge close by itself",
            f"mt5fleet accounts floor {account} --equity MONEY --by NAME --key FILE",
        )
    floor = health.floor
    return passed("floor", f"equity {floor.equity:f}, {floor.readings} readings, signed by {floor.person}")


def _shadow(health: Health, terms: TerminalTerms) -> Step:
    if health.shadow is not terms.shadow:
        return failed(
            "shadow",
            f"the bridge says {_yes(health.shadow)}, the file says {_yes(terms.shadow)}",
            "start the bridge again with the present file",
        )
    return passed("shadow", "yes: the bridge refuses every send" if health.shadow else "no")


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
