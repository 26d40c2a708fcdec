"""From a configuration to the symbols and price sources of a broker."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.simulator.config import SimulatorConfig
from mt5fleet.simulator.instruments.catalogue import Listing, SyntheticTerms, catalogue
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.crosses import CrossSource, LegSource
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.quotes import Cross, cross_of
from mt5fleet.simulator.prices.recorded import RecordedSource
from mt5fleet.simulator.prices.recordings import RecordingError, read_recording
from mt5fleet.simulator.prices.repeated import RepeatedQuote
from mt5fleet.simulator.prices.synthetic import SyntheticSource
from mt5fleet.simulator.server_time import ServerTime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What quotes the symbols of a broker."""

    feed: Feed
    crosses: list[Cross]


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


def build_prices(
    config: SimulatorConfig, listings: Mapping[str, Listing], server_time: ServerTime, epoch_ms: int
) -> Prices:
    """Build the feed and the crosses; recordings start at `epoch_ms`.

    Raises:
        ConfigError: A recording cannot be read, a walk has no starting price, or a cross does not fit.
    """
    sources: dict[str, LegSource] = {}
    repeated: dict[str, RepeatedQuote] = {}
    for name, listing in listings.items():
        terms, openings = price_terms(config, listing), Openings(listing.spec, server_time)
        source = _source(config, listing, terms, openings, epoch_ms)
        if source is not None:
            sources[name] = source
        if isinstance(terms, FixedPrices) and terms.tick_every_ms is not None:
            repeated[name] = RepeatedQuote(terms.bid, terms.ask, openings, every_ms=terms.tick_every_ms)
    crosses = build_crosses(config, listings)
    fed = {
        cross.spec.name: CrossSource(cross, first, second, Openings(cross.spec, server_time))
        for cross in crosses
        if (first := sources.get(cross.legs[0])) is not None
        and (second := sources.get(cross.legs[1])) is not None
    }
    return Prices(feed=Feed({**sources, **fed}, repeated), crosses=crosses)


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


def _source(
    config: SimulatorConfig, listing: Listing, terms: PriceTerms, openings: Openings, epoch_ms: int
) -> LegSource | None:
    match terms:
        case RecordedPrices():
            return _recorded(config, listing, terms, openings, epoch_ms)
        case SyntheticPrices():
            return _synthetic(config, listing, terms, openings)
        case CrossPrices() | FixedPrices() | NoPrices():
            return None


def _recorded(
    config: SimulatorConfig, listing: Listing, terms: RecordedPrices, openings: Openings, epoch_ms: int
) -> LegSource:
    usual_points = listing.synthetic.spread_points if listing.synthetic else 0
    try:
        recording = read_recording(
            terms.file,
            listing.spec,
            start_s=terms.start_s,
            max_gap_s=terms.max_gap_s,
            spread_points=usual_points,
        )
    except RecordingError as error:
        raise ConfigError(f"prices.{listing.spec.name}.file: {error}") from error
    speed = config.speed if terms.speed is None else terms.speed
    return RecordedSource(recording, listing.spec, openings, speed=speed, epoch_ms=epoch_ms)


def _synthetic(
    config: SimulatorConfig, listing: Listing, terms: SyntheticPrices, openings: Openings
) -> LegSource:
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
    return SyntheticSource(walk, spec, openings, interval_ms=terms.interval_ms, seed=seed)


def _cross(spec: SymbolSpec, legs: tuple[str, str], listings: Mapping[str, Listing]) -> Cross:
    for leg in legs:
        if leg not in listings:
            raise ConfigError(f"prices.{spec.name}.of: no symbol {leg}")
    try:
        return cross_of(spec, listings[legs[0]].spec, listings[legs[1]].spec)
    except ValueError as error:
        raise ConfigError(f"prices.{spec.name}.of: {error}") from error
