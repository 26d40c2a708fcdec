"""pymt5adapter: a Pythonic adapter of 2020, by its context manager, its order and its symbol classes."""

from datetime import UTC, datetime, timedelta

import pymt5adapter as mta
from pymt5adapter.order import Order
from pymt5adapter.symbol import Symbol
from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

NOW = datetime.now(UTC)
terminal = mta.connected(
    login=LOGIN, password=PASSWORD, server=SERVER, ensure_trade_enabled=True, raise_on_errors=True
)


def connect() -> object:
    terminal.__enter__()
    return terminal.ping()


def account() -> object:
    found = mta.account_info()
    expect(found.login == LOGIN and found.balance > 0, found)
    return found.balance


def symbols() -> object:
    found = [row.name for row in mta.symbols_get(group="*USD*")]
    expect(SYMBOL in found and Symbol(SYMBOL).spread > 0, found)
    return len(found)


def bars() -> object:
    found = mta.copy_rates(SYMBOL, mta.TIMEFRAME.M1, count=100)
    expect(len(found) == 100, len(found))
    return found[-1]


def ticks() -> object:
    found = mta.copy_ticks_from(SYMBOL, datetime_from=NOW - timedelta(hours=1), count=100, flags=-1)
    expect(len(found) == 100, len(found))
    return found[-1]


def open_() -> object:
    return _done(Order.as_buy(symbol=SYMBOL, volume=LOTS, type_filling=1))


def modify() -> object:
    position = mta.positions_get(symbol=SYMBOL)[0]
    level = round(position.price_open - 0.01, 5)
    _done(Order.as_modify_sltp(position.ticket, sl=level))
    expect(mta.positions_get(ticket=position.ticket)[0].sl == level, level)
    return level


def close() -> object:
    position = mta.positions_get(symbol=SYMBOL)[0]
    ticket = _done(Order.as_flatten(position, type_filling=1))
    expect(not mta.positions_get(), "a position is left")
    return ticket


def pending() -> object:
    price = Symbol(SYMBOL).tick_calc(Symbol(SYMBOL).bid, -1000)
    _done(Order.as_buy_limit(symbol=SYMBOL, volume=LOTS, price=price, type_filling=2))
    waiting = mta.orders_get()[0]
    _done(Order.as_delete_pending(waiting.ticket))
    expect(not mta.orders_get(), "an order is left")
    return waiting.price_open


def history() -> object:
    deals = mta.history_deals_get(NOW - timedelta(hours=1), NOW + timedelta(days=1))
    expect(len(deals) == 3, deals)
    return len(deals)


def _done(order: Order) -> object:
    answer = order.send()
    expect(answer.retcode == 10009, answer)
    return answer.order


run(connect, account, symbols, bars, ticks, open_, modify, close, pending, history)
