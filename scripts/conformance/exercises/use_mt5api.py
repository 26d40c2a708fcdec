"""mt5api: a web service that reads an account and checks orders (it sends none), through its own routes."""

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient
from mt5api.main import app
from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

web = TestClient(app, raise_server_exceptions=False)
web.__enter__()  # starts the service; it ends with this process
NOW = datetime.now(UTC)


def connect() -> object:
    return _post("/connection/login", login=LOGIN, password=PASSWORD, server=SERVER)


def account() -> object:
    found = _get("/account")["data"][0]
    expect(found["login"] == LOGIN and found["balance"] > 0, found)
    return found["balance"]


def symbols() -> object:
    found = _get("/symbols", group="*USD*")["data"]
    one = _get(f"/symbols/{SYMBOL}")["data"][0]
    expect(SYMBOL in {row["name"] for row in found} and one["name"] == SYMBOL, len(found))
    return len(found)


def bars() -> object:
    found = _get("/rates/from-pos", symbol=SYMBOL, timeframe="M5", start_pos=0, count=100)
    expect(len(found["data"]) == 100, found["count"])
    return found["count"]


def ticks() -> object:
    since = (NOW - timedelta(hours=1)).isoformat()
    found = _get("/ticks/from", symbol=SYMBOL, date_from=since, count=100)
    expect(len(found["data"]) == 100, found["count"])
    return found["count"]


def book() -> object:
    _post(f"/market-book/{SYMBOL}/subscribe")
    found = _get(f"/market-book/{SYMBOL}")
    _post(f"/market-book/{SYMBOL}/unsubscribe")
    expect(found["count"] > 1, found)
    return found["count"]


def order_check() -> object:
    price = _get(f"/symbols/{SYMBOL}/tick")["data"][0]["ask"]
    order = {"action": 1, "symbol": SYMBOL, "volume": LOTS, "type": 0, "price": price, "type_filling": 1}
    found = _post("/order/check", request=order)["data"]
    expect(found["retcode"] == 0, found)
    return found["margin"]


def history() -> object:
    until = (NOW + timedelta(days=1)).isoformat()
    found = _get("/history/deals", date_from=(NOW - timedelta(days=1)).isoformat(), date_to=until)
    expect(found["count"] == 1, found)
    return found["count"]


def _get(route: str, **query: object) -> dict[str, object]:
    answer = web.get(route, params=query)
    expect(answer.status_code == 200, answer.text)
    return answer.json()


def _post(route: str, **body: object) -> dict[str, object]:
    answer = web.post(route, json=body)
    expect(answer.status_code == 200, answer.text)
    return answer.json()


run(connect, account, symbols, bars, ticks, book, order_check, history)
