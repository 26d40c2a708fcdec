"""What a child is told at its start: its account's terms as one text, which travels through the pipe only."""

from dataclasses import dataclass, field

from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.codec import decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildTerms:
    """The terminal's settings, and how to start and enter it."""

    terminal: TerminalSettings
    terminal_path: str
    password: str = field(repr=False)
    start_timeout_ms: int


def write_terms(config: ChildConfig, limits: BridgeLimits) -> str:
    """The terms of an account, password included."""
    terms = ChildTerms(
        terminal=TerminalSettings(
            account=config.account,
            server=config.server,
            login=config.login,
            mode=config.mode,
            shadow=config.shadow,
            visibility_lag_s=config.visibility_lag_s,
            settle_s=config.settle_s,
            unanswered_s=config.unanswered_s,
            quote_age_s_max=config.quote_age_s_max,
            server_offset_s=config.server_offset_s,
            allow_real=config.allow_real,
            ledger_silence_s=limits.ledger_silence_s,
        ),
        terminal_path=config.terminal_path,
        password=config.password,
        start_timeout_ms=config.start_timeout_ms,
    )
    return encode(ChildTerms, terms)


def read_terms(text: str) -> ChildTerms:
    """The terms that a bridge wrote; raises InvalidValue naming the field."""
    return decode(ChildTerms, text)
