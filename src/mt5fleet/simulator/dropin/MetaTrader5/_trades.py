"""Functions about trading: requests, what is open, and what was."""

from collections.abc import Callable
from typing import Any

from . import _arguments as arguments
from . import _fields as fields
from . import _structures as structures
from ._arguments import GROUP_UNITS_MAX, SYMBOL_UNITS_MAX, invalid, invalid_named
from ._connection import Connection
from ._session import WRONG_NUMBER, Args, Named

UNNAMED = "Unnamed arguments not allowed"
MARGIN_AMOUNTS = ("volume", "price")
PROFIT_AMOUNTS = ("volume", "price_open", "price_close")

Row = Callable[[Any], Any]


def order_calc_margin(connection: Connection, args: Args) -> Any:
    return _calculated(connection, "order_calc_margin", args, MARGIN_AMOUNTS)


def order_calc_profit(connection: Connection, args: Args) -> Any:
    return _calculated(connection, "order_calc_profit", args, PROFIT_AMOUNTS)


def order_check(connection: Connection, args: Args, named: Named | None) -> Any:
    return _answered(connection, "order_check", structures.OrderCheckResult, args, named)


def order_send(connection: Connection, args: Args, named: Named | None) -> Any:
    return _answered(connection, "order_send", structures.OrderSendResult, args, named)


def positions_total(connection: Connection) -> Any:
    return connection.ask("positions_total")


def positions_get(connection: Connection, args: Args, named: Named) -> Any:
    return _open(connection, "positions_get", structures.TradePosition, args, named)


def orders_total(connection: Connection) -> Any:
    return connection.ask("orders_total")


def orders_get(connection: Connection, args: Args, named: Named) -> Any:
    return _open(connection, "orders_get", structures.TradeOrder, args, named)


def history_orders_total(connection: Connection, args: Args) -> Any:
    return _past_total(connection, "history_orders_total", args)


def history_orders_get(connection: Connection, args: Args, named: Named) -> Any:
    return _past(connection, "history_orders_get", structures.TradeOrder, args, named)


def history_deals_total(connection: Connection, args: Args) -> Any:
    return _past_total(connection, "history_deals_total", args)


def history_deals_get(connection: Connection, args: Args, named: Named) -> Any:
    return _past(connection, "history_deals_get", structures.TradeDeal, args, named)


def _calculated(connection: Connection, operation: str, args: Args, names: tuple[str, ...]) -> Any:
    if len(args) != len(names) + 2:
        raise invalid()
    kind = arguments.kind_of(args[0])
    amounts = dict(zip(names, map(arguments.amount_of, args[2:]), strict=True))
    return connection.ask(operation, type=kind, symbol=arguments.only_symbol(args[1:2]), **amounts)


def _answered(connection: Connection, operation: str, result: Row, args: Args, named: Named | None) -> Any:
    """Send a trade request.

    Named arguments that are there at all, even none as in `f(x, **{})`, are the request themselves.
    """
    if named is not None and args:
        raise invalid(UNNAMED)
    if named is None and len(args) != 1:
        raise invalid(WRONG_NUMBER)
    request = args[0] if named is None else named
    values = arguments.request_values(request, fields.TRADE_REQUEST_FIELDS)
    answer = connection.ask(operation, request=values)
    return result([*answer, structures.TradeRequest(list(values.values()))])


def _open(connection: Connection, operation: str, row: Row, args: Args, named: Named) -> Any:
    if args:
        raise invalid(UNNAMED)
    return tuple(map(row, connection.ask(operation, **_filter(named))))


def _filter(named: Named) -> Named:
    """Return the first of the three filters; whatever else is named is ignored, misspelt filters too."""
    if "ticket" in named:
        return {"ticket": arguments.unsigned_of(named["ticket"], invalid_named("ticket"))}
    if "symbol" in named:
        return {"symbol": arguments.text_of(named["symbol"], SYMBOL_UNITS_MAX, invalid_named("symbol"))}
    return _group(named)


def _group(named: Named) -> Named:
    if "group" not in named:
        return {}
    return {"group": arguments.text_of(named["group"], GROUP_UNITS_MAX, invalid_named("group"))}


def _past_total(connection: Connection, operation: str, args: Args) -> Any:
    if len(args) != len(("from", "to")):
        raise invalid()
    return connection.ask(operation, **_period(args))


def _past(connection: Connection, operation: str, row: Row, args: Args, named: Named) -> Any:
    asked = _period(args) | _group(named) if len(args) == len(("from", "to")) else _number(args, named)
    return tuple(map(row, connection.ask(operation, **asked)))


def _period(args: Args) -> Named:
    since_s, until_s = map(arguments.seconds_of, args)
    return {"since_s": since_s, "until_s": until_s}


def _number(args: Args, named: Named) -> Named:
    for name in ("ticket", "position"):
        if name in named:
            if args:
                raise invalid(UNNAMED)
            return {name: arguments.unsigned_of(named[name], invalid_named(name))}
    raise invalid()
