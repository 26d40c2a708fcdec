"""Whatever numbers a request holds, it is answered, and a refusal changes nothing."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mt5fleet.simulator.codes import OrderType, Retcode
from tests.unit.simulator.conftest import LOGIN, START_MS, Desk, build_desk

SMALL = st.integers(-2, 12)
TICKETS = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1), st.sampled_from(["position", "order"]))
PRICES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.09, 1.1, 1.1001, 1.11, 2000.0]),
)
NOW_S = START_MS // 1000 + 7200
REQUESTS = st.fixed_dictionaries(
    {"action": st.sampled_from([0, 1, 1, 5, 5, 6, 7, 8, 10])},
    optional={
        "symbol": st.sampled_from(["EURUSD", "XAUUSD", "AUDUSD", "NOPE", ""]),
        "type": SMALL,
        "volume": st.one_of(PRICES, st.sampled_from([0.01, 0.5, 1.0, 100.0])),
        "price": PRICES,
        "stoplimit": PRICES,
        "sl": PRICES,
        "tp": PRICES,
        "deviation": st.integers(0, 2**64 - 1),
        "type_filling": SMALL,
        "type_time": SMALL,
        "expiration": st.one_of(st.integers(-(2**63), 2**63 - 1), st.just(NOW_S + 60)),
        "magic": st.integers(0, 2**64 - 1),
        "comment": st.text(max_size=29),
        "position": TICKETS,
        "position_by": TICKETS,
        "order": TICKETS,
    },
)
EXECUTED = (Retcode.DONE, Retcode.DONE_PARTIAL)


@settings(max_examples=300, deadline=None)
@given(fields=REQUESTS, execution=st.integers(0, 3), netting=st.booleans())
@example(
    fields={"action": 1, "symbol": "EURUSD", "volume": 1.0, "type_filling": 9}, execution=1, netting=False
)
@example(fields={"action": 5, "symbol": "EURUSD", "type": 2, "volume": 1e308}, execution=2, netting=True)
def test_request_is_answered(fields: dict[str, Any], execution: int, netting: bool) -> None:
    desk = _busy_desk(execution, netting=netting)
    request = {name: _ticket(desk, value) for name, value in fields.items()}
    before = desk.book.copy()

    checked, _ = desk.broker.order_check(LOGIN, request)
    answer = desk.broker.order_send(LOGIN, request)

    assert (checked is Retcode.OK) == (answer.retcode in EXECUTED), (checked, answer)
    if answer.retcode not in EXECUTED:
        assert (answer.deal, answer.order, answer.volume, answer.price) == (0, 0, 0, 0)
        assert desk.book == before


def _busy_desk(execution: int, *, netting: bool) -> Desk:
    account = {"margin_mode": "netting" if netting else "hedging"}
    desk = build_desk(account, symbols=[{"name": "EURUSD", "execution": execution, "filling_mask": 7}])
    desk.opened(price=1.1001)
    desk.placed(OrderType.BUY_STOP_LIMIT, 1.11, stoplimit=1.105)
    return desk


def _ticket(desk: Desk, value: Any) -> Any:
    if value == "position":
        return next(iter(desk.book.positions))
    return next(iter(desk.book.orders)) if value == "order" else value
