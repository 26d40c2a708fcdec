"""Functions about instruments: names, terms, quotes, market depth, bars and ticks."""

from importlib import import_module
from typing import Any

from . import _arguments as arguments
from . import _structures as structures
from ._arguments import GROUP_UNITS_MAX, invalid, invalid_named
from ._connection import MS_PER_S, Connection
from ._session import FIRST, WRONG_NUMBER, Args, Named

ARGUMENTS_OF_COPY = 4

RATE_FIELDS = (
    *(("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8")),
    *(("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8")),
)
TICK_FIELDS = (
    *(("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"), ("volume", "<u8")),
    *(("time_msc", "<i8"), ("flags", "<u4"), ("volume_real", "<f8")),
)
"""Rows are packed: 60 bytes each."""


def symbols_total(connection: Connection) -> Any:
    return connection.ask("symbols_total")


def symbols_get(connection: Connection, args: Args, named: Named) -> Any:
    try:
        group = _group(args, named)
    except arguments.RefusedError as refused:
        # Wrong arguments give False; what the terminal refuses is None.
        raise arguments.FalseError(refused.code, refused.text) from refused
    return tuple(map(structures.SymbolInfo, connection.ask("symbols_get", group=group or None)))


def symbol_info(connection: Connection, args: Args) -> Any:
    return structures.SymbolInfo(connection.ask("symbol_info", symbol=arguments.only_symbol(args)))


def symbol_info_tick(connection: Connection, args: Args) -> Any:
    return structures.Tick(connection.ask("symbol_info_tick", symbol=arguments.only_symbol(args)))


def symbol_select(connection: Connection, args: Args) -> bool:
    if len(args) not in (1, 2):
        raise invalid()
    enable = arguments.truth_of(args[1]) if args[1:] else True
    return bool(connection.ask("symbol_select", symbol=arguments.only_symbol(args[:1]), enable=enable))


def market_book_add(connection: Connection, args: Args) -> Any:
    return _kept_in_the_book(connection, "market_book_add", args)


def market_book_get(connection: Connection, args: Args) -> Any:
    return tuple(
        map(structures.BookInfo, connection.ask("market_book_get", symbol=arguments.only_symbol(args)))
    )


def market_book_release(connection: Connection, args: Args) -> Any:
    return _kept_in_the_book(connection, "market_book_release", args)


def copy_rates_from(connection: Connection, args: Args) -> Any:
    _exactly(args)
    timeframe, count = arguments.count_of(args[1]), arguments.count_of(args[3])
    symbol, since_s = arguments.only_symbol(args[:1]), arguments.seconds_of(args[2])
    return _rates(
        connection.ask("copy_rates_from", symbol=symbol, timeframe=timeframe, from_s=since_s, count=count)
    )


def copy_rates_from_pos(connection: Connection, args: Args) -> Any:
    _exactly(args)
    timeframe, start, count = map(arguments.count_of, args[1:])
    symbol = arguments.only_symbol(args[:1])
    return _rates(
        connection.ask("copy_rates_from_pos", symbol=symbol, timeframe=timeframe, start=start, count=count)
    )


def copy_rates_range(connection: Connection, args: Args) -> Any:
    _exactly(args)
    timeframe = arguments.count_of(args[1])
    symbol = arguments.only_symbol(args[:1])
    since_s, until_s = map(arguments.seconds_of, args[2:])
    return _rates(
        connection.ask(
            "copy_rates_range", symbol=symbol, timeframe=timeframe, since_s=since_s, until_s=until_s
        )
    )


def copy_ticks_from(connection: Connection, args: Args) -> Any:
    _exactly(args)
    count, flags = map(arguments.count_of, args[2:])
    symbol, since_s = arguments.only_symbol(args[:1]), arguments.seconds_of(args[1])
    return _ticks(
        connection.ask("copy_ticks_from", symbol=symbol, from_ms=since_s * MS_PER_S, count=count, flags=flags)
    )


def copy_ticks_range(connection: Connection, args: Args) -> Any:
    _exactly(args)
    flags = arguments.count_of(args[3])
    symbol = arguments.only_symbol(args[:1])
    since_s, until_s = map(arguments.seconds_of, args[1:3])
    return _ticks(
        connection.ask(
            "copy_ticks_range",
            symbol=symbol,
            since_ms=since_s * MS_PER_S,
            until_ms=until_s * MS_PER_S,
            flags=flags,
        )
    )


def _group(args: Args, named: Named) -> str:
    if len(args) > 1:
        raise invalid(WRONG_NUMBER)
    group = arguments.text_of(args[0], GROUP_UNITS_MAX, FIRST) if args else ""
    if "group" in named:
        group = arguments.text_of(named["group"], GROUP_UNITS_MAX, invalid_named("group"))
    return group


def _kept_in_the_book(connection: Connection, operation: str, args: Args) -> bool:
    symbol = arguments.only_symbol(args)
    try:
        return bool(connection.ask(operation, symbol=symbol))
    except arguments.RefusedError as refused:
        # Wrong arguments give None; what the terminal refuses is False.
        raise arguments.FalseError(refused.code, refused.text) from refused


def _exactly(args: Args) -> None:
    if len(args) != ARGUMENTS_OF_COPY:
        raise invalid()


def _rates(rows: bytes) -> Any:
    return _array(rows, RATE_FIELDS)


def _ticks(rows: bytes) -> Any:
    return _array(rows, TICK_FIELDS)


def _array(rows: bytes, fields: tuple[tuple[str, str], ...]) -> Any:
    """Return packed rows as a numpy array that owns them and refuses writing, as the vendor's does."""
    numpy = import_module("numpy")  # here, because everything else works without it
    array = numpy.frombuffer(rows, dtype=numpy.dtype(list(fields))).copy()
    array.flags.writeable = False
    return array
