"""pdmt5: tables of a terminal's answers, by its `Mt5DataClient`."""

from datetime import UTC, datetime, timedelta

from pdmt5 import Mt5Config, Mt5DataClient, parse_timeframe
from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

client = Mt5DataClient(config=Mt5Config(login=LOGIN, password=PASSWORD, server=SERVER))
M1 = parse_timeframe("M1")
NOW = datetime.now(UTC)


def connect() -> object:
    client.initialize_and_login_mt5()
    return client.version_as_dict()


def account() -> object:
    found = client.account_info_as_dict()
    expect(found["login"] == LOGIN and found["balance"] > 0, found)
    return found["balance"]


def symbols() -> object:
    found = client.symbols_get_as_df(group="*USD*")
    expect(SYMBOL in set(found["name"]), list(found["name"]))
    return len(found)


def bars() -> object:
    newest = client.copy_rates_from_pos_as_df(SYMBOL, M1, 0, 100)
    since = client.copy_rates_range_as_df(SYMBOL, M1, NOW - timedelta(hours=3), NOW - timedelta(hours=1))
    earlier = client.copy_rates_from_as_df(SYMBOL, M1, NOW - timedelta(days=1), 50)
    expect((len(newest), len(earlier)) == (100, 50) and len(since) > 100, (len(newest), len(since)))
    return len(newest) + len(since) + len(earlier)


def ticks() -> object:
    found = client.copy_ticks_from_as_df(SYMBOL, NOW - timedelta(hours=1), 100, -1)
    span = client.copy_ticks_range_as_df(SYMBOL, NOW - timedelta(hours=2), NOW - timedelta(hours=1), -1)
    expect(len(found) == 100 and len(span) > 0, (len(found), len(span)))
    expect((found["ask"] > found["bid"]).all(), found.head())
    return len(found) + len(span)


def book() -> object:
    client.market_book_add(SYMBOL)
    found = client.market_book_get_as_df(SYMBOL)
    client.market_book_release(SYMBOL)
    expect(len(found) > 1, len(found))
    return len(found)


def open_() -> object:
    tick = client.symbol_info_tick_as_dict(SYMBOL)
    order = {
        "action": 1,
        "symbol": SYMBOL,
        "volume": LOTS,
        "type": 0,
        "price": tick["ask"],
        "type_filling": 1,
    }
    checked = client.order_check_as_dict(order)
    expect(checked["retcode"] == 0 and checked["margin"] > 0, checked)
    return _done(order)


def modify() -> object:
    position = client.positions_get_as_dicts(symbol=SYMBOL)[0]
    levels = {"sl": round(position["price_open"] - 0.01, 5), "tp": round(position["price_open"] + 0.01, 5)}
    _done({"action": 6, "position": position["ticket"], "symbol": SYMBOL, **levels})
    changed = client.positions_get_as_dicts(ticket=position["ticket"])[0]
    expect({"sl": changed["sl"], "tp": changed["tp"]} == levels, changed)
    return levels


def close() -> object:
    position = client.positions_get_as_dicts(symbol=SYMBOL)[0]
    order = {"action": 1, "symbol": SYMBOL, "volume": LOTS, "type": 1, "type_filling": 1}
    answer = _done({**order, "position": position["ticket"]})
    expect(not client.positions_get_as_dicts(), "a position is left")
    return answer


def pending() -> object:
    price = round(client.symbol_info_tick_as_dict(SYMBOL)["bid"] - 0.01, 5)
    order = {"action": 5, "symbol": SYMBOL, "volume": LOTS, "type": 2, "price": price, "type_filling": 2}
    _done(order)
    ticket = client.orders_get_as_dicts(symbol=SYMBOL)[0]["ticket"]
    _done({"action": 7, "order": ticket, "price": round(price - 0.001, 5)})
    expect(client.orders_get_as_dicts(ticket=ticket)[0]["price_open"] == round(price - 0.001, 5), price)
    return _done({"action": 8, "order": ticket})


def history() -> object:
    since, until = NOW - timedelta(hours=1), NOW + timedelta(days=1)
    deals = client.history_deals_get_as_df(since, until)
    orders = client.history_orders_get_as_df(since, until)
    expect(len(deals) == 3 and len(orders) == 3, (len(deals), len(orders)))
    return len(deals) + len(orders)


def _done(order: dict[str, object]) -> object:
    answer = client.order_send_as_dict(order)
    expect(answer["retcode"] == 10009, answer)
    return answer["order"]


run(connect, account, symbols, bars, ticks, book, open_, modify, close, pending, history)
