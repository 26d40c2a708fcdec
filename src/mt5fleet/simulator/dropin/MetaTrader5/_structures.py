"""The module's 11 result types, with the vendor's habits.

They are tuples with named fields, `_asdict()`, `n_fields` and `__match_args__`, but not named tuples: no
`_fields`, no `_replace`, no keyword constructor. Like the vendor's they name a module that does not hold
them, so they cannot be pickled.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, ClassVar, Self

from . import _fields


class _Structure(tuple[Any, ...]):
    """A tuple whose places have names."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    n_fields: ClassVar[int] = 0
    n_sequence_fields: ClassVar[int] = 0
    n_unnamed_fields: ClassVar[int] = 0

    def __new__(cls, values: Iterable[Any]) -> Self:
        made = super().__new__(cls, values)
        if len(made) != cls.n_fields:
            raise TypeError(f"{cls.__name__}() takes a {cls.n_fields}-sequence ({len(made)}-sequence given)")
        return made

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{type(self).__name__}({shown})"

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self.__match_args__, self, strict=True))


def _structure(name: str, fields: tuple[str, ...]) -> type[_Structure]:
    members: dict[str, Any] = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
    members |= {
        "__slots__": (),
        "__doc__": f"{name} of the terminal.",
        # The vendor's types name no module; pickle looks them up in builtins and fails.
        "__module__": "builtins",
        "__match_args__": fields,
        "n_fields": len(fields),
        "n_sequence_fields": len(fields),
    }
    return type(name, (_Structure,), members)


AccountInfo = _structure("AccountInfo", _fields.ACCOUNT_INFO_FIELDS)
TerminalInfo = _structure("TerminalInfo", _fields.TERMINAL_INFO_FIELDS)
SymbolInfo = _structure("SymbolInfo", _fields.SYMBOL_INFO_FIELDS)
Tick = _structure("Tick", _fields.TICK_FIELDS)
BookInfo = _structure("BookInfo", _fields.BOOK_INFO_FIELDS)
TradeRequest = _structure("TradeRequest", _fields.TRADE_REQUEST_FIELDS)
OrderCheckResult = _structure("OrderCheckResult", _fields.ORDER_CHECK_RESULT_FIELDS)
OrderSendResult = _structure("OrderSendResult", _fields.ORDER_SEND_RESULT_FIELDS)
TradePosition = _structure("TradePosition", _fields.TRADE_POSITION_FIELDS)
TradeOrder = _structure("TradeOrder", _fields.TRADE_ORDER_FIELDS)
TradeDeal = _structure("TradeDeal", _fields.TRADE_DEAL_FIELDS)
