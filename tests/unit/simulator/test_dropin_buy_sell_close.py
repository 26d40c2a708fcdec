"""The package's own Buy, Sell and Close: what they send, how often, and what they give back."""

from types import ModuleType
from typing import Any

import pytest

from tests.unit.simulator.vendor import ScriptedLink, attach, fresh_module

TICK = [1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0]
DONE, REQUOTE, PRICE_OFF, PARTIAL, INVALID = 10009, 10004, 10021, 10010, 10013


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_module(monkeypatch)


def _answer(retcode: int) -> list[Any]:
    return [retcode, 1, 2, 0.1, 1.2, 1.1, 1.2, "", 3, 0]


def _position(ticket: int, kind: int) -> list[Any]:
    times = [1, 1000, 1, 1000]
    return [ticket, *times, kind, 0, ticket, 3, 0.1, 1.1, 0.0, 0.0, 1.1, 0.0, 0.0, "EURUSD", "", ""]


def _broker(*retcodes: int, positions: Any = (), tick: Any = None) -> ScriptedLink:
    """A broker that answers one retcode after the other."""
    codes = iter(retcodes)
    sends = [lambda: _answer(next(codes)) for _ in range(20)]
    return ScriptedLink(symbol_info_tick=tick or TICK, order_send=sends, positions_get=[*positions])


def _sent(link: ScriptedLink) -> list[dict[str, Any]]:
    return [asked["request"] for asked in link.asked if asked["op"] == "order_send"]


@pytest.mark.parametrize(("name", "side", "price"), [("Buy", 0, 1.2), ("Sell", 1, 1.1)])
def test_deal_at_the_market_takes_the_price_of_its_side(
    mt5: ModuleType, name: str, side: int, price: float
) -> None:
    link = attach(mt5, _broker(DONE))

    answer = getattr(mt5, name)("EURUSD", 0.1, comment="c", ticket=7)

    (request,) = _sent(link)
    assert answer.retcode == DONE
    assert {name: value for name, value in request.items() if value} == {
        **({"type": side} if side else {}),
        "action": 1,
        "symbol": "EURUSD",
        "volume": 0.1,
        "price": price,
        "deviation": 10,
        "comment": "c",
        "position": 7,
    }
    assert (request["type_filling"], request["magic"]) == (0, 0)


def test_deal_at_a_price_asks_for_no_quote_and_is_sent_once(mt5: ModuleType) -> None:
    link = attach(mt5, _broker(REQUOTE))

    assert mt5.Buy("EURUSD", 0.1, 1.15).retcode == REQUOTE
    assert [asked["op"] for asked in link.asked] == ["order_send"]
    assert _sent(link)[0]["price"] == 1.15


@pytest.mark.parametrize(
    ("retcodes", "times"),
    [
        ([REQUOTE, PRICE_OFF, DONE], 3),
        ([REQUOTE] * 12, 10),
        ([PARTIAL], 1),
        ([INVALID], 1),
    ],
)
def test_deal_is_sent_again_only_for_a_requote_or_no_price(
    mt5: ModuleType, retcodes: list[int], times: int
) -> None:
    link = attach(mt5, _broker(*retcodes))

    assert mt5.Sell("EURUSD", 0.1).retcode == retcodes[times - 1]
    assert len(_sent(link)) == times


def test_deal_without_a_quote_fails_as_reading_a_none_does(mt5: ModuleType) -> None:
    attach(mt5, _broker(tick={"error": [-4, "Terminal: Not found"]}))

    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'ask'"):
        mt5.Buy("EURUSD", 0.1)


def test_refused_arguments_give_none(mt5: ModuleType) -> None:
    attach(mt5, _broker())

    assert mt5.Buy("EURUSD", 1) is None
    assert mt5.last_error() == (-2, 'Invalid "volume" argument')


@pytest.mark.parametrize(
    ("positions", "retcodes", "outcome"),
    [
        ([], [], False),
        ([_position(7, 0)], [DONE], True),
        ([_position(7, 0), _position(8, 1)], [DONE, DONE], True),
        ([_position(7, 0), _position(8, 1)], [INVALID, DONE], "Partially"),
        ([_position(7, 0)], [PARTIAL], False),
        ([_position(7, 0)], [REQUOTE] * 10, False),
    ],
)
def test_close_tells_how_many_were_closed(
    mt5: ModuleType, positions: list[Any], retcodes: list[int], outcome: object
) -> None:
    attach(mt5, _broker(*retcodes, positions=positions))

    assert mt5.Close("EURUSD") == outcome


def test_close_sends_the_opposite_side_at_its_price(mt5: ModuleType) -> None:
    link = attach(mt5, _broker(DONE, DONE, positions=[_position(7, 0), _position(8, 1)]))

    mt5.Close("EURUSD", comment="c")

    sent = [(row["type"], row["position"], row["price"], row["comment"]) for row in _sent(link)]
    assert sent == [(1, 7, 1.1, "c"), (0, 8, 1.2, "c")]
    assert link.asked[0] == {"op": "positions_get", "symbol": "EURUSD"}


def test_close_of_a_ticket_asks_for_that_ticket(mt5: ModuleType) -> None:
    link = attach(mt5, _broker(DONE, positions=[_position(7, 0)]))

    assert mt5.Close("EURUSD", ticket=7) is True
    assert link.asked[0] == {"op": "positions_get", "ticket": 7}


def test_close_without_a_quote_or_an_answer_gives_none(mt5: ModuleType) -> None:
    unknown = {"error": [-4, "Terminal: Not found"]}
    attach(mt5, _broker(positions=[_position(7, 0)], tick=unknown))
    assert mt5.Close("EURUSD") is None

    link = attach(mt5, _broker(positions=[_position(7, 0)]))
    link.answers["order_send"] = unknown
    assert mt5.Close("EURUSD") is None


def test_close_without_a_connection_fails_as_walking_a_none_does(mt5: ModuleType) -> None:
    with pytest.raises(TypeError, match="'NoneType' object is not iterable"):
        mt5.Close("EURUSD")


def test_deals_use_a_function_that_a_program_puts_in_the_package(
    mt5: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(mt5, _broker(DONE))
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(mt5, "order_send", seen.append)

    assert mt5.Buy("EURUSD", 0.1, 1.15) is None
    assert seen[0]["price"] == 1.15


def test_raw_order_is_one_deal(mt5: ModuleType) -> None:
    link = attach(mt5, _broker(REQUOTE))

    assert mt5._RawOrder(mt5.ORDER_TYPE_SELL, "EURUSD", 0.1, 1.1, "c", 7).retcode == REQUOTE
    assert [(row["type"], row["comment"], row["position"]) for row in _sent(link)] == [(1, "c", 7)]
