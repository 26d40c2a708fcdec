"""Where the quotes of a simulated symbol come from."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mt5fleet.simulator.terms.base import Terms


class RecordedPrices(Terms):
    """Recorded ticks or minute bars, told again from now on and in a loop."""

    source: Literal["recorded"]
    file: Path
    start_s: float = Field(default=0, ge=0)  # skip this much of the recording
    max_gap_s: float = Field(default=10, gt=0)  # longer pauses are cut to this
    speed: float | None = Field(default=None, gt=0)  # None: the broker's


class SyntheticPrices(Terms):
    """A seeded random walk, known for every hour of past and future."""

    source: Literal["synthetic"]
    mid: Decimal | None = Field(default=None, gt=0)
    spread_points: int | None = Field(default=None, ge=0)
    volatility_percent_day: Decimal | None = Field(default=None, ge=0, le=100)
    interval_ms: int = Field(default=500, ge=10, le=60_000)  # shortest time between two quotes


class CrossPrices(Terms):
    """The quote that follows from two other symbols."""

    source: Literal["cross"]
    of: tuple[str, str]


class FixedPrices(Terms):
    """A quote that changes only by command."""

    source: Literal["fixed"]
    bid: Decimal = Field(gt=0)
    ask: Decimal = Field(gt=0)
    tick_every_ms: int | None = Field(
        default=None, ge=10
    )  # send the same quote again this often; None: never

    @model_validator(mode="after")
    def _sides_are_in_order(self) -> Self:
        if self.ask < self.bid:
            raise ValueError("ask must not be below bid")
        return self


class NoPrices(Terms):
    """No quotes until one is set by command."""

    source: Literal["none"]


PriceTerms = Annotated[
    RecordedPrices | SyntheticPrices | CrossPrices | FixedPrices | NoPrices, Field(discriminator="source")
]
