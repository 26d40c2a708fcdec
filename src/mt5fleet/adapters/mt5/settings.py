"""What one terminal's gateway is told."""

from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue

CLOCK_SKEW_MS_MAX = 500  # bridge against ledger, section 5 of the design; further apart no open leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSettings:
    """One account on one terminal. `server_offset_s` None: inferred from ticks that are seen to arrive.

    `settle_s`: how long after a send with a doubtful answer it may still be carried out; absence counts only
    after it. `unanswered_s`: the same for a send without the broker's answer, because our process ended in
    it, the terminal was lost or somebody stopped waiting: terminal and broker go on without us.
    `visibility_lag_s`: how far apart two looks must be before their absence proves anything.
    `allow_real`: whether `mode` real may open anything.
    `ledger_silence_s`: without a word from the ledger for longer than this, nothing is opened.
    """

    account: str
    server: str
    login: int
    mode: Mode
    shadow: bool = False
    visibility_lag_s: float = 2.0
    settle_s: float = 10.0
    unanswered_s: float = 60.0
    quote_age_s_max: Decimal = Decimal(30)
    server_offset_s: int | None = None
    allow_real: bool = False
    ledger_silence_s: float = 10.0  # section 8 of the design, "Last resort"

    def __post_init__(self) -> None:
        """Refuse times that prove nothing."""
        if self.visibility_lag_s <= 0 or self.settle_s < 0:
            raise InvalidValue("visibility_lag_s, settle_s", "must be above 0 and not negative")
        if self.unanswered_s < self.settle_s:
            raise InvalidValue("unanswered_s", "must not be below settle_s")
        if self.quote_age_s_max <= 0 or self.ledger_silence_s <= 0:
            raise InvalidValue("quote_age_s_max, ledger_silence_s", "must be above 0")
