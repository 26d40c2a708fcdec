"""The built-in symbols: plausible terms and starting prices, so that a configuration names only differences.

Starting prices are invented levels of the usual magnitude, not quotes of any day.
"""

from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.simulator.codes import CalcMode
from mt5fleet.simulator.instruments.symbols import SymbolSpec

FOREX_CONTRACT = Decimal(100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticTerms:
    """Where a random walk starts and how it moves."""

    mid: Decimal
    spread_points: int
    volatility_percent_day: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A symbol with the way it is quoted when the configuration does not say otherwise."""

    spec: SymbolSpec
    synthetic: SyntheticTerms | None = None
    cross_of: tuple[str, str] | None = None


def catalogue() -> dict[str, Listing]:
    """Return every built-in listing by symbol name."""
    listings = [*_usd_pairs(), *_cross_pairs(), *_other_instruments()]
    return {listing.spec.name: listing for listing in listings}


# name: starting mid, spread in points, volatility in percent of a day
_USD_PAIRS = {
    "EURUSD": ("1.16500", 8, "0.5"),
    "GBPUSD": ("1.31500", 10, "0.6"),
    "AUDUSD": ("0.65200", 9, "0.6"),
    "NZDUSD": ("0.57300", 12, "0.6"),
    "USDJPY": ("152.500", 10, "0.6"),
    "USDCHF": ("0.80400", 11, "0.5"),
    "USDCAD": ("1.39800", 12, "0.4"),
    "USDSEK": ("9.45000", 350, "0.7"),
    "USDNOK": ("10.05000", 400, "0.7"),
}

_CROSS_BASES = {
    "EUR": ("GBP", "AUD", "NZD", "JPY", "CHF", "CAD"),
    "GBP": ("AUD", "NZD", "JPY", "CHF", "CAD"),
    "AUD": ("NZD", "JPY", "CHF", "CAD"),
    "NZD": ("JPY", "CHF", "CAD"),
    "CAD": ("JPY", "CHF"),
    "CHF": ("JPY",),
}


def _usd_pairs() -> list[Listing]:
    return [
        Listing(
            spec=_forex(name),
            synthetic=SyntheticTerms(
                mid=Decimal(mid), spread_points=spread, volatility_percent_day=Decimal(volatility)
            ),
        )
        for name, (mid, spread, volatility) in _USD_PAIRS.items()
    ]


def _cross_pairs() -> list[Listing]:
    return [
        Listing(spec=_forex(base + quote), cross_of=(_usd_pair_of(base), _usd_pair_of(quote)))
        for base, quotes in _CROSS_BASES.items()
        for quote in quotes
    ]


def _usd_pair_of(currency: str) -> str:
    return next(name for name in _USD_PAIRS if currency in (name[:3], name[3:]))


def _forex(name: str) -> SymbolSpec:
    digits = 3 if name.endswith("JPY") else 5
    return SymbolSpec(
        name=name,
        base=name[:3],
        profit=name[3:],
        margin=name[:3],
        digits=digits,
        tick_size=Decimal(1).scaleb(-digits),
        contract_size=FOREX_CONTRACT,
        margin_hedged=FOREX_CONTRACT,
        description=f"{name[:3]} against {name[3:]}",
        path=f"Forex\\{name}",
    )


def _other_instruments() -> list[Listing]:
    gold = _cfd("XAUUSD", base="XAU", digits=2, contract=100, path="Metals", leveraged=True)
    index = _cfd("US30", base="USD", digits=1, contract=1, path="Indices", leveraged=True)
    broad_index = _cfd("US500", base="USD", digits=2, contract=1, path="Indices", leveraged=True)
    return [
        _walk(gold, "4050.00", 25, "1.0"),
        _walk(index, "46300.0", 15, "0.9"),
        _walk(broad_index, "6600.00", 50, "0.9"),
        _walk(_coin("BTCUSD", digits=2, contract=1), "87000.00", 2500, "2.5"),
        _walk(_coin("ETHUSD", digits=2, contract=1), "2850.00", 1200, "3.5"),
        _walk(_coin("ADAUSD", digits=5, contract=1_000), "0.41000", 60, "4.0"),
    ]


def _coin(name: str, *, digits: int, contract: int) -> SymbolSpec:
    return _cfd(name, base=name[:3], digits=digits, contract=contract, path="Crypto", leveraged=False)


def _walk(spec: SymbolSpec, mid: str, spread_points: int, volatility: str) -> Listing:
    terms = SyntheticTerms(
        mid=Decimal(mid), spread_points=spread_points, volatility_percent_day=Decimal(volatility)
    )
    return Listing(spec=spec, synthetic=terms)


def _cfd(name: str, *, base: str, digits: int, contract: int, path: str, leveraged: bool) -> SymbolSpec:
    return SymbolSpec(
        name=name,
        base=base,
        profit="USD",
        margin="USD",
        digits=digits,
        tick_size=Decimal(1).scaleb(-digits),
        contract_size=Decimal(contract),
        calc_mode=CalcMode.CFD_LEVERAGE if leveraged else CalcMode.CFD,
        description=f"{name} contract for difference",
        path=f"{path}\\{name}",
    )
