"""From a configuration to the symbols and price sources of a broker."""

from collections.abc import Mapping
from decimal import Decimal

from mt5fleet.simulator.config import SimulatorConfig
from mt5fleet.simulator.instruments.catalogue import Listing, SyntheticTerms, catalogue
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.feed import RecordedSource, Source, SyntheticSource
from mt5fleet.simulator.prices.quotes import Cross, cross_of
from mt5fleet.simulator.prices.recordings import RecordingError, read_recording
from mt5fleet.simulator.terms.base import ConfigError
from mt5fleet.simulator.terms.prices import (
    CrossPrices,
    FixedPrices,
    NoPrices,
    PriceTerms,
    RecordedPrices,
    SyntheticPrices,
)
from mt5fleet.simulator.terms.symbol import SymbolTerms

_NEW_SYMBOL_NEEDS = ("base", "profit", "digits", "contract_size")


def build_listings(config: SimulatorConfig) -> dict[str, Listing]:
    """Return every symbol the broker offers: the built-in ones, changed and added to.

    Raises:
        ConfigError: A symbol is unknown or lacks a field.
    """
    listings = catalogue()
    for terms in config.symbols:
        listings[terms.name] = _listing(terms, listings)
    unknown = sorted(set(config.prices) - set(listings))
    if unknown:
        raise ConfigError(f"prices.{unknown[0]}: no such symbol; add it under [[symbols]]")
    return listings


def build_sources(config: SimulatorConfig, listings: Mapping[str, Listing]) -> dict[str, Source]:
    """Return the sources that quote by themselves.

    Raises:
        ConfigError: A recording cannot be read, or a walk has no starting price.
    """
    sources: dict[str, Source] = {}
    for name, listing in listings.items():
        source = _source(config, listing, price_terms(config, listing))
        if source is not None:
            sources[name] = source
    return sources


def build_crosses(config: SimulatorConfig, listings: Mapping[str, Listing]) -> list[Cross]:
    """Return the symbols that follow from two others.

    Raises:
        ConfigError: The legs do not exist or do not lead to the symbol.
    """
    return [
        _cross(listing.spec, terms.of, listings)
        for listing in listings.values()
        if isinstance(terms := price_terms(config, listing), CrossPrices)
    ]


def price_terms(config: SimulatorConfig, listing: Listing) -> PriceTerms:
    """Return how a symbol is quoted: as configured, or as the catalogue says."""
    configured = config.prices.get(listing.spec.name)
    if configured is not None:
        return configured
    if config.default_prices == "none":
        return NoPrices(source="none")
    if listing.cross_of is not None:
        return CrossPrices(source="cross", of=listing.cross_of)
    if listing.synthetic is not None:
        return SyntheticPrices(source="synthetic")
    return NoPrices(source="none")


def _listing(terms: SymbolTerms, listings: Mapping[str, Listing]) -> Listing:
    changes = terms.model_dump(exclude={"name", "like"}, exclude_none=True)
    origin = terms.like or terms.name
    if origin in listings:
        known = listings[origin]
        values = {name: getattr(known.spec, name) for name in known.spec.__slots__}
        spec = SymbolSpec(**(values | changes | {"name": terms.name}))
        return Listing(spec=spec, synthetic=known.synthetic, cross_of=known.cross_of)
    if terms.like is not None:
        raise ConfigError(f"symbols.{terms.name}.like: no symbol {terms.like}")
    return Listing(spec=_new_spec(terms.name, changes))


def _new_spec(name: str, fields: dict[str, object]) -> SymbolSpec:
    missing = [field for field in _NEW_SYMBOL_NEEDS if field not in fields]
    if missing:
        raise ConfigError(f"symbols.{name}.{missing[0]}: needed, because {name} is not a built-in symbol")
    fields.setdefault("margin", fields["base"])
    fields.setdefault("path", f"Custom\\{name}")
    fields.setdefault("tick_size", Decimal(1).scaleb(-int(str(fields["digits"]))))
    return SymbolSpec(name=name, **fields)  # type: ignore[arg-type]  # fields were validated by SymbolTerms


def _source(config: SimulatorConfig, listing: Listing, terms: PriceTerms) -> Source | None:
    match terms:
        case RecordedPrices():
            return _recorded(config, listing.spec, terms)
        case SyntheticPrices():
            return _synthetic(config, listing, terms)
        case CrossPrices() | FixedPrices() | NoPrices():
            return None


def _recorded(config: SimulatorConfig, spec: SymbolSpec, terms: RecordedPrices) -> Source:
    try:
        recording = read_recording(terms.file, spec, start_s=terms.start_s, max_gap_s=terms.max_gap_s)
    except RecordingError as error:
        raise ConfigError(f"prices.{spec.name}.file: {error}") from error
    speed = config.speed if terms.speed is None else terms.speed
    return RecordedSource(recording, digits=spec.digits, speed=speed)


def _synthetic(config: SimulatorConfig, listing: Listing, terms: SyntheticPrices) -> Source:
    spec, known = listing.spec, listing.synthetic
    mid = terms.mid or (known.mid if known else None)
    if mid is None:
        raise ConfigError(f"prices.{spec.name}.mid: needed, because {spec.name} is not a built-in symbol")
    usual = known or SyntheticTerms(mid=mid, spread_points=20, volatility_percent_day=Decimal(1))
    spread, volatility = terms.spread_points, terms.volatility_percent_day
    walk = SyntheticTerms(
        mid=mid,
        spread_points=usual.spread_points if spread is None else spread,
        volatility_percent_day=usual.volatility_percent_day if volatility is None else volatility,
    )
    seed = f"{config.seed}/{spec.name}"
    return SyntheticSource(walk, digits=spec.digits, interval_ms=terms.interval_ms, seed=seed)


def _cross(spec: SymbolSpec, legs: tuple[str, str], listings: Mapping[str, Listing]) -> Cross:
    for leg in legs:
        if leg not in listings:
            raise ConfigError(f"prices.{spec.name}.of: no symbol {leg}")
    try:
        return cross_of(spec, listings[legs[0]].spec, listings[legs[1]].spec)
    except ValueError as error:
        raise ConfigError(f"prices.{spec.name}.of: {error}") from error
