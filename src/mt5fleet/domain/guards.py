"""Verdicts on an account: what a reading says about its limits.

A reading that cannot be trusted is Blind: never a breach, never healthy.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.domain.account import Account, GuardMemory, Limits
from mt5fleet.domain.broker import Health, Reading
from mt5fleet.domain.drawdown import drawdown_percent, drawdown_reached, floor_of, reached

_AHEAD_S_MAX = 5  # a reading may be this far ahead of our clock: two machines' clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Nothing is known about the account's money now; `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """No limit is reached; the numbers it was decided on."""

    numbers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breached:
    """A limit is reached: which, and the numbers it was decided on."""

    limit: str
    numbers: dict[str, str]

    @property
    def sentence(self) -> str:
        """The breach with its numbers, for a person."""
        shown = " ".join(f"{name}={value}" for name, value in self.numbers.items())
        return f"{self.limit} reached ({shown})"


Verdict = Blind | Healthy | Breached


def why_blind(reading: Reading, now: datetime, age_s_max: Decimal) -> str | None:
    """Why a reading says nothing about the account's money, or None when it can be judged."""
    if not all(
        value.is_finite() for value in (reading.equity, reading.balance, reading.margin, reading.margin_free)
    ):
        return "equity, balance or margin is not a number"
    if reading.equity <= 0 or reading.balance < 0:
        return f"equity {reading.equity} and balance {reading.balance} are not those of an open account"
    return _why_stale(reading.age_s(now), age_s_max)


def why_another(account: Account, health: Health) -> str:
    """Why the bridge's account of this name is not the one that was meant; empty when nothing says so.

    A terminal that is away does not say its login. Source: the project's design, section 6 "Bridge": an
    account is (broker server, login).
    """
    shown = (health.server, health.login)
    if None in shown or shown == (account.server, account.login):
        return ""
    return (
        f"the bridge holds {health.login} on {health.server} as {account.name}, the fleet was told"
        f" {account.login} on {account.server}: correct the bridge's file, or the fleet's and apply it"
    )


def judge(reading: Reading, memory: GuardMemory, limits: Limits) -> Healthy | Breached:
    """The verdict on a valid reading; `memory` already holds its peak."""
    numbers = {
        "equity": str(reading.equity),
        "balance": str(reading.balance),
        "peak_equity": str(memory.peak_equity),
        "drawdown_percent": str(drawdown_percent(memory.peak_equity, reading.equity)),
        "drawdown_percent_max": str(limits.drawdown_percent_max),
        "equity_floor": str(floor_of(limits, memory)),
    }
    if drawdown_reached(memory.peak_equity, reading.equity, limits.drawdown_percent_max):
        return Breached(limit="drawdown from peak equity", numbers=numbers)
    if reached(-reading.equity, -floor_of(limits, memory)):
        return Breached(limit="equity floor", numbers=numbers)
    return Healthy(numbers=numbers)


def _why_stale(age_s: float, age_s_max: Decimal) -> str | None:
    if age_s > age_s_max:
        return f"the reading is {age_s:.1f} s old, limit {age_s_max} s"
    if age_s < -_AHEAD_S_MAX:
        return f"the reading is {-age_s:.1f} s ahead of the ledger's clock, limit {_AHEAD_S_MAX} s"
    return None
