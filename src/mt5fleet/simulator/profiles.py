"""Ready-made brokers by name, for `mt5fleet simulator serve --profile NAME`."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from mt5fleet.simulator.codes import CalcMode, Execution
from mt5fleet.simulator.config import SimulatorConfig, TerminalPaths
from mt5fleet.simulator.instruments.symbols import FILLING_FOK_BIT, FILLING_IOC_BIT
from mt5fleet.simulator.terms.account import AccountTerms, MarginMode
from mt5fleet.simulator.terms.base import ConfigError
from mt5fleet.simulator.terms.prices import CrossPrices, PriceTerms, SyntheticPrices
from mt5fleet.simulator.terms.symbol import SymbolTerms, Weekday
from mt5fleet.simulator.terms.time import ServerZoneTerms

JUDGE_LOGIN = 12345678
QUOTE_EVERY_MS = 3_000
"""Slow enough that a program which reads a quote and then orders finds the same quote."""

COIN_QUOTE_EVERY_MS = 1_500
"""Programs that look at the ticks of a coin expect ten and more within 20 seconds."""


def profile(name: str) -> SimulatorConfig:
    """Return the broker of that name.

    Raises:
        ConfigError: No profile has this name.
    """
    if name not in PROFILES:
        raise ConfigError(f"profile: no profile is named {name!r}; there is {', '.join(PROFILES)}")
    return PROFILES[name]()


def _judge() -> SimulatorConfig:
    """One friendly demo account: every order that a real demo would take is taken at every hour."""
    return SimulatorConfig(
        attach_login=JUDGE_LOGIN,
        terminal_paths=TerminalPaths.EXISTING,
        # Programs ask for history until `datetime.now()`; on a server in UTC they then miss nothing.
        server_zone=ServerZoneTerms(zone="UTC", plus_hours=0),
        accounts=(_judge_account(),),
        symbols=tuple(_judge_symbol(name) for name in _JUDGE_PRICES),
        # A cross steps with each of its legs, and EURCAD's second leg is not a symbol of its own here.
        prices=_JUDGE_PRICES | {"USDCAD": _walk()},
    )


def _judge_account() -> AccountTerms:
    return AccountTerms(
        login=JUDGE_LOGIN,
        password="sim-pass",  # noqa: S106  # play money: printed in the documentation
        server="Sim-Demo",
        currency="USD",
        leverage=100,
        balance=Decimal(100_000),
        margin_mode=MarginMode.HEDGING,
        limit_orders=200,
    )


def _judge_symbol(name: str) -> SymbolTerms:
    return SymbolTerms(
        name=name,
        in_market_watch=True,
        execution=Execution.MARKET,
        filling_mask=FILLING_FOK_BIT | FILLING_IOC_BIT,
        lenient_filling=name in _TAKE_RETURN,
        weekend_closed=False,
        sessions=dict.fromkeys(Weekday, ("00:00-24:00",)),
        holidays=(),
        calc_mode=CalcMode.CFD_LEVERAGE if name in _COINS else None,
    )


_TAKE_RETURN = ("EURUSD", "USDJPY", "ADAUSD")
_COINS = ("BTCUSD", "ETHUSD", "ADAUSD")
"""On the account's leverage: a whole lot of each then fits into the account."""


def _walk() -> SyntheticPrices:
    return SyntheticPrices(source="synthetic", interval_ms=QUOTE_EVERY_MS)


def _coin(spread_points: int) -> SyntheticPrices:
    return SyntheticPrices(source="synthetic", interval_ms=COIN_QUOTE_EVERY_MS, spread_points=spread_points)


def _cross(*legs: str) -> CrossPrices:
    first, second = legs
    return CrossPrices(source="cross", of=(first, second))


_JUDGE_PRICES: dict[str, PriceTerms] = {
    "EURUSD": _walk(),
    "GBPUSD": _walk(),
    "USDJPY": _walk(),
    "USDCHF": _walk(),
    "AUDUSD": _walk(),
    "EURJPY": _cross("EURUSD", "USDJPY"),
    "GBPJPY": _cross("GBPUSD", "USDJPY"),
    "EURCAD": _cross("EURUSD", "USDCAD"),
    "XAUUSD": _walk(),
    "BTCUSD": _coin(spread_points=2_500),
    "ETHUSD": _coin(spread_points=1_200),
    "ADAUSD": _walk(),
    "US500": _walk(),
}

PROFILES: Mapping[str, Callable[[], SimulatorConfig]] = MappingProxyType({"judge": _judge})
