"""A trade request as the broker reads it, and the answer it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite
from typing import Any, Self

from mt5fleet.simulator.accounts.rows import ZERO
from mt5fleet.simulator.codes import RETCODE_TEXTS, Retcode

NUMBER_MAX = Decimal(10) ** 9
"""No price or volume reaches this; what does is nonsense."""


class MalformedRequestError(Exception):
    """A number of the request is not a number a broker could use; `retcode` is the answer to it."""

    def __init__(self, message: str, retcode: Retcode = Retcode.INVALID) -> None:
        super().__init__(message)
        self.retcode = retcode


_TOO_LARGE: dict[str, Retcode] = {
    "volume": Retcode.INVALID_VOLUME,
    "price": Retcode.INVALID_PRICE,
    "stoplimit": Retcode.INVALID_PRICE,
    "sl": Retcode.INVALID_STOPS,
    "tp": Retcode.INVALID_STOPS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRequest:
    """The request's fields with the vendor's names; absent fields are zero."""

    action: int = 0
    magic: int = 0
    order: int = 0
    symbol: str = ""
    volume: Decimal = ZERO
    price: Decimal = ZERO
    stoplimit: Decimal = ZERO
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Self:
        """Read the fields a terminal sent.

        Raises:
            MalformedRequestError: A number is infinite, not a number, or beyond any market.
        """
        return cls(**{name: _exact(name, value) for name, value in fields.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the broker says to a request."""

    retcode: Retcode
    deal: int = 0
    order: int = 0
    volume: Decimal = ZERO
    price: Decimal = ZERO
    bid: Decimal = ZERO
    ask: Decimal = ZERO
    comment: str = ""
    request_id: int = 0

    @classmethod
    def of(cls, retcode: Retcode) -> Self:
        """Return an answer that says nothing but the code: zeros, and the code's sentence."""
        return cls(retcode=retcode, comment=RETCODE_TEXTS[retcode])

    def numbered(self, request_id: int) -> Self:
        return replace(self, request_id=request_id)


def _exact(name: str, value: Any) -> Any:  # noqa: ANN401  # plain JSON values
    if not isinstance(value, float):
        return value
    if not isfinite(value):
        raise MalformedRequestError(f"{name}: {value} is not a usable number")
    if abs(value) >= NUMBER_MAX:
        retcode = _TOO_LARGE.get(name, Retcode.INVALID)
        raise MalformedRequestError(f"{name}: {value} is not below {NUMBER_MAX}", retcode)
    # repr gives the shortest decimal that means this float: 0.1 stays 0.1.
    return Decimal(repr(value))
