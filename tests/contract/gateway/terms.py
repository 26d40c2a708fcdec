"""The account of the contract tests, and what its bridge is told."""

from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.domain.broker import Mode

ACCOUNT, LOGIN, SERVER, PASSWORD, SYMBOL = "alpha", 1001, "Simulator-1", "pw", "EURUSD"
SYMBOL_IN_PARTS = "EURUSD.ioc"  # takes no all-or-nothing orders
BID, ASK = Decimal("1.10000"), Decimal("1.10010")
EVENTUALLY_S_MAX = 20.0
LAG_S, SETTLE_S, UNANSWERED_S = 0.3, 0.5, 1.5  # short, so that a proof of absence takes a second
SILENCE_S = 3.0  # short, so that a silent ledger is told soon; long enough for a slow machine
TOKEN = "contract-token"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the bridge is told of the account, where a test wants it otherwise."""

    shadow: bool = False
    mode: Mode = Mode.DEMO
    allow_real: bool = False

    def flags(self) -> list[str]:
        """As `serve_bridge.py` takes them."""
        told = (
            ("--shadow", self.shadow),
            ("--real", self.mode is Mode.REAL),
            ("--allow-real", self.allow_real),
        )
        return [flag for flag, wanted in told if wanted]


USUAL = Terms()
