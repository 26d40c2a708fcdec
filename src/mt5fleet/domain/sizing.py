"""Lots from a size rule, in Decimal and never rounded up, and their split over the parts of an order."""

from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.domain.broker import Instrument
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.signal import Size, SizeRule

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFacts:
    """What a size rule may need: `entry` is the expected fill price, `equity` in account currency."""

    entry: Decimal
    stop_loss: Decimal | None
    equity: Decimal
    base_lots: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Lots of each part.

    A part of 0 lots was below the smallest lot; `merged_into` names the part that took its volume.
    """

    volumes: tuple[Decimal, ...]
    merged_into: tuple[int | None, ...]


def plan(size: Size, shares: tuple[Decimal, ...], facts: SizeFacts, instrument: Instrument) -> Plan | Denial:
    """The lots of every part, or why there are none."""
    wanted = lots_wanted(size, facts, instrument)
    if isinstance(wanted, Denial):
        return wanted
    total = floor_to_step(wanted, instrument.volume_step)
    if total < instrument.volume_min:
        return Denial(
            reason=DenialReason.VOLUME_BELOW_MIN,
            numbers={"lots": f"{wanted:.6f}", "volume_min": str(instrument.volume_min)},
        )
    return _split(total, shares, instrument)


def lots_wanted(size: Size, facts: SizeFacts, instrument: Instrument) -> Decimal | Denial:
    """Lots by the rule, before rounding.

    Risk percent: equity * percent / loss of one lot from entry to stop, where that loss is
    distance / tick size * tick value.
    Source: MQL5 Reference, "Symbol Properties", SYMBOL_TRADE_TICK_SIZE and SYMBOL_TRADE_TICK_VALUE.
    """
    if size.rule is SizeRule.LOTS:
        return size.value
    if size.rule is SizeRule.MULTIPLIER:
        return _unknown("account.base_lots") if facts.base_lots is None else size.value * facts.base_lots
    if facts.stop_loss is None:
        return _unknown("open.stop_loss")
    return _lots_at_risk(size.value, facts, facts.stop_loss, instrument)


def part_volume(agreed: Plan, part: int) -> Decimal | Denial:
    """The lots of one part; a merged part is denied and says which part took its volume."""
    volume = agreed.volumes[part]
    if volume > 0:
        return volume
    return Denial(
        reason=DenialReason.PART_MERGED,
        numbers={"part": str(part), "merged_into": str(agreed.merged_into[part])},
    )


def floor_to_step(volume: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `volume`."""
    return (volume // step) * step


def _lots_at_risk(
    percent: Decimal, facts: SizeFacts, stop_loss: Decimal, instrument: Instrument
) -> Decimal | Denial:
    ticks = abs(facts.entry - stop_loss) / instrument.tick_size
    loss_per_lot = ticks * instrument.tick_value
    if loss_per_lot <= 0:
        return _unknown("instrument.tick_value")
    return facts.equity * percent / _PERCENT / loss_per_lot


def _split(total: Decimal, shares: tuple[Decimal, ...], instrument: Instrument) -> Plan:
    """Shares rounded down; one below the smallest lot goes to the next part; the last takes what is left."""
    volumes: list[Decimal] = []
    merged: list[int | None] = [None] * len(shares)
    carried = Decimal(0)
    for part, share in enumerate(shares[:-1]):
        wanted = total * share + carried
        volume = floor_to_step(wanted, instrument.volume_step)
        tradable = volume >= instrument.volume_min
        volumes.append(volume if tradable else Decimal(0))
        carried = Decimal(0) if tradable else wanted
        merged[part] = None if tradable else part + 1
    volumes.append(total - sum(volumes, Decimal(0)))
    _keep_last_tradable(volumes, merged, instrument.volume_min)
    return Plan(volumes=tuple(volumes), merged_into=_followed(merged))


def _keep_last_tradable(volumes: list[Decimal], merged: list[int | None], volume_min: Decimal) -> None:
    last = len(volumes) - 1
    if volumes[last] < volume_min:
        merged[last] = target = max(part for part in range(last) if volumes[part] > 0)
        volumes[target] += volumes[last]
        volumes[last] = Decimal(0)


def _followed(merged: list[int | None]) -> tuple[int | None, ...]:
    """Where each merged part's volume ended: a part may have been merged into one that was merged itself."""
    ends: list[int | None] = []
    for first in merged:
        end = first
        while end is not None and merged[end] is not None:
            end = merged[end]
        ends.append(end)
    return tuple(ends)


def _unknown(field: str) -> Denial:
    return Denial(reason=DenialReason.SIZE_UNKNOWN, numbers={"missing": field})
