"""The 32 functions of the module, as bound methods of one client of the broker.

They are methods and not plain functions because the vendor's are C functions: stored as a class attribute
they must not bind another `self`.
"""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any

from . import _arguments as arguments
from . import _constants as constants
from . import _fields as fields
from . import _structures as structures
from ._arguments import RefusedError
from ._link import Link, LinkLostError

ADDRESS_VARIABLE = "MT5FLEET_SIMULATOR"
CONNECT_TIMEOUT_MS = 60_000

SUCCESS = (constants.RES_S_OK, "Success")


class Terminal:
    """One connection to one account, and the module's one `last_error`."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._last_error: tuple[int, str] = (0, "")
        # The vendor's functions hold the GIL while they wait: one call at a time per process.
        self._one_call = RLock()

    # --- connection ---

    def initialize(self, *args: Any, **keywords: Any) -> bool:
        return self._done(lambda: self._initialize(args, keywords))

    def login(self, *args: Any, **keywords: Any) -> bool:
        return self._done(lambda: self._login(args, keywords))

    def shutdown(self) -> bool:
        return self._done(self._disconnect, failed=True)

    def last_error(self) -> tuple[int, str]:
        return self._last_error

    def version(self) -> Any:
        return self._call(lambda: tuple(self._ask("version")))

    def terminal_info(self) -> Any:
        return self._call(lambda: structures.TerminalInfo(self._ask("terminal_info")))

    def account_info(self) -> Any:
        return self._call(lambda: structures.AccountInfo(self._ask("account_info")))

    # --- symbols ---

    def symbols_total(self) -> Any:
        return self._call(lambda: self._ask("symbols_total"))

    def symbols_get(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._symbols_get(args, keywords))

    def symbol_info(self, *args: Any) -> Any:
        return self._call(lambda: structures.SymbolInfo(self._ask("symbol_info", symbol=_only_text(args))))

    def symbol_info_tick(self, *args: Any) -> Any:
        return self._call(lambda: structures.Tick(self._ask("symbol_info_tick", symbol=_only_text(args))))

    def symbol_select(self, *args: Any) -> bool:
        return self._done(lambda: self._symbol_select(args))

    # --- trading ---

    def order_calc_margin(self, *args: Any) -> Any:
        return self._call(lambda: self._calculate("order_calc_margin", args, ("volume", "price")))

    def order_calc_profit(self, *args: Any) -> Any:
        names = ("volume", "price_open", "price_close")
        return self._call(lambda: self._calculate("order_calc_profit", args, names))

    def order_check(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._trade("order_check", structures.OrderCheckResult, args, keywords))

    def order_send(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._trade("order_send", structures.OrderSendResult, args, keywords))

    # --- what is open ---

    def positions_total(self) -> Any:
        return self._call(lambda: self._ask("positions_total"))

    def positions_get(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._open("positions_get", structures.TradePosition, args, keywords))

    def orders_total(self) -> Any:
        return self._call(lambda: self._ask("orders_total"))

    def orders_get(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._open("orders_get", structures.TradeOrder, args, keywords))

    # --- what was ---

    def history_orders_total(self, *args: Any) -> Any:
        return self._call(lambda: self._history_total("history_orders_total", args))

    def history_orders_get(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._history("history_orders_get", structures.TradeOrder, args, keywords))

    def history_deals_total(self, *args: Any) -> Any:
        return self._call(lambda: self._history_total("history_deals_total", args))

    def history_deals_get(self, *args: Any, **keywords: Any) -> Any:
        return self._call(lambda: self._history("history_deals_get", structures.TradeDeal, args, keywords))

    # --- not simulated: each answers -7 ---

    def copy_rates_from(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def copy_rates_from_pos(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def copy_rates_range(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def copy_ticks_from(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def copy_ticks_range(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def market_book_add(self, *args: Any) -> bool:
        return self._done(_unsupported)

    def market_book_get(self, *args: Any) -> Any:
        return self._call(_unsupported)

    def market_book_release(self, *args: Any) -> bool:
        return self._done(_unsupported)

    def buy(self, *args: Any, **keywords: Any) -> Any:
        return self._call(_unsupported)

    def sell(self, *args: Any, **keywords: Any) -> Any:
        return self._call(_unsupported)

    def close(self, *args: Any, **keywords: Any) -> Any:
        return self._call(_unsupported)

    # --- inside ---

    def _done(self, work: Callable[[], bool], *, failed: bool = False) -> bool:
        return self._call(work, failed=failed) is True

    def _call(self, work: Callable[[], Any], *, failed: Any = None) -> Any:
        with self._one_call:
            self._last_error = SUCCESS
            try:
                return work()
            except RefusedError as refused:
                self._last_error = (refused.code, refused.text)
                return failed

    def _ask(self, operation: str, **parameters: Any) -> Any:
        if self._link is None:
            raise RefusedError(constants.RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")
        try:
            answer = self._link.ask({"op": operation, **parameters})
        except LinkLostError as lost:
            self._disconnect()
            if lost.while_sending:
                raise RefusedError(constants.RES_E_INTERNAL_FAIL_SEND, "IPC send failed") from lost
            raise RefusedError(constants.RES_E_INTERNAL_FAIL_RECEIVE, "IPC recv failed") from lost
        if "error" in answer:
            raise RefusedError(*answer["error"])
        return answer["ok"]

    def _initialize(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
        if len(args) > 1:
            raise arguments.invalid("Invalid number of arguments")
        path = arguments.text_at(args, 0) if args else ""
        wanted = _credentials(keywords)
        timeout_ms = (
            arguments.keyword_int(keywords, "timeout") if "timeout" in keywords else CONNECT_TIMEOUT_MS
        )
        self._disconnect()
        self._link = _connected(timeout_ms)
        try:
            self._ask("initialize", path=path, **wanted)
        except RefusedError:
            self._disconnect()
            raise
        return True

    def _login(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
        names = ("login", "password", "server")
        if not 1 <= len(args) <= len(names):
            raise arguments.invalid("Invalid number of arguments" if args else 'Invalid "login" argument')
        self._ask("login", **_credentials(keywords | dict(zip(names, args, strict=False))))
        return True

    def _disconnect(self) -> bool:
        if self._link is not None:
            self._link.close()
        self._link = None
        return True

    def _symbols_get(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if len(args) > 1:
            raise arguments.invalid("Invalid number of arguments")
        group = arguments.text_at(args, 0) if args else None
        if "group" in keywords:
            group = arguments.keyword_text(keywords, "group")
        return tuple(structures.SymbolInfo(row) for row in self._ask("symbols_get", group=group))

    def _symbol_select(self, args: tuple[Any, ...]) -> bool:
        if len(args) not in (1, 2):
            raise arguments.invalid("Invalid number of arguments")
        enable = bool(args[1]) if args[1:] else True
        return bool(self._ask("symbol_select", symbol=arguments.text_at(args, 0), enable=enable))

    def _calculate(self, function: str, args: tuple[Any, ...], names: tuple[str, ...]) -> Any:
        if len(args) != len(names) + 2:
            raise arguments.invalid("Invalid number of arguments")
        if not isinstance(args[0], int) or not isinstance(args[1], str):
            arguments.parsing_failed(function)
        numbers = [arguments.number(function, value) for value in args[2:]]
        return self._ask(
            function, type=int(args[0]), symbol=args[1], **dict(zip(names, numbers, strict=True))
        )

    def _trade(
        self, function: str, result: Callable[[Any], Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if keywords and args:
            raise arguments.invalid("Unnamed arguments not allowed")
        if len(args) != 1 and not keywords:
            raise arguments.invalid("Invalid number of arguments")
        request = args[0] if args else keywords
        values = arguments.request_values(function, request, fields.TRADE_REQUEST_FIELDS)
        answer = self._ask(function, request=values)
        return result([*answer, structures.TradeRequest(values.values())])

    def _open(
        self, function: str, row: Callable[[Any], Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if args:
            raise arguments.invalid("Unnamed arguments not allowed")
        # The first of the three wins; whatever else is named is ignored, misspelt filters too.
        asked: dict[str, Any] = {}
        if "ticket" in keywords:
            asked = {"ticket": arguments.keyword_int(keywords, "ticket")}
        elif "symbol" in keywords:
            asked = {"symbol": arguments.keyword_text(keywords, "symbol")}
        elif "group" in keywords:
            asked = {"group": arguments.keyword_text(keywords, "group")}
        return tuple(row(values) for values in self._ask(function, **asked))

    def _history_total(self, function: str, args: tuple[Any, ...]) -> Any:
        if len(args) != len(("from", "to")):
            raise arguments.invalid("Invalid arguments")
        since, until = arguments.seconds(function, args, 0), arguments.seconds(function, args, 1)
        return self._ask(function, since_s=since, until_s=until)

    def _history(
        self, function: str, row: Callable[[Any], Any], args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if len(args) == len(("from", "to")):
            asked: dict[str, Any] = {
                "since_s": arguments.seconds(function, args, 0),
                "until_s": arguments.seconds(function, args, 1),
            }
            if "group" in keywords:
                asked["group"] = arguments.keyword_text(keywords, "group")
        elif not args and "ticket" in keywords:
            asked = {"ticket": arguments.keyword_int(keywords, "ticket")}
        elif not args and "position" in keywords:
            asked = {"position": arguments.keyword_int(keywords, "position")}
        else:
            raise arguments.invalid("Invalid arguments")
        return tuple(row(values) for values in self._ask(function, **asked))


def _only_text(args: tuple[Any, ...]) -> str:
    if len(args) != 1:
        raise arguments.invalid("Invalid number of arguments")
    return arguments.text_at(args, 0)


def _credentials(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return login, password and server as given; `login` must be an int."""
    wanted: dict[str, Any] = {}
    if "login" in keywords:
        wanted["login"] = arguments.keyword_int(keywords, "login")
    for name in ("password", "server"):
        if name in keywords:
            wanted[name] = arguments.keyword_text(keywords, name)
    return wanted


def _connected(timeout_ms: int) -> Link:
    address = os.environ.get(ADDRESS_VARIABLE, "")
    if not address:
        reason = f"MetaTrader 5 x64 not found: {ADDRESS_VARIABLE}=host:port names no simulator"
        raise RefusedError(constants.RES_E_INTERNAL_FAIL_INIT, f"IPC initialize failed, {reason}")
    try:
        return Link(address, connect_timeout_s=max(timeout_ms, 1) / 1000)
    except TimeoutError as error:
        raise RefusedError(constants.RES_E_INTERNAL_FAIL_TIMEOUT, "IPC timeout") from error
    except (OSError, ValueError) as error:
        reason = f"Process create failed '{address}'"
        raise RefusedError(constants.RES_E_INTERNAL_FAIL_INIT, f"IPC initialize failed, {reason}") from error


def _unsupported() -> Any:
    raise RefusedError(constants.RES_E_UNSUPPORTED, "Unsupported function")
