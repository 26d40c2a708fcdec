"""Questions that trade: the smallest volume, opened, changed, closed, and read back; nothing is left open."""

from collections.abc import Callable
from functools import partial
from typing import Any

from mt5fleet.simulator.comparing.asking import Asker
from mt5fleet.simulator.comparing.describing import Focus, Vendor
from mt5fleet.simulator.comparing.questions import Subject, buy_limit, checked_requests, market_buy

TOPIC = "trade"
MAGIC = 777_001
COMMENT = "mt5fleet compare"
DONE, DONE_PARTIAL = 10009, 10010

SEEN_ATTEMPTS = 100
SEEN_PAUSE_S = 0.1
"""A terminal may show what it did only later: ten seconds are the longest that peers wait for it."""

ANSWER = Focus(
    exact={"retcode", "comment", "retcode_external"},
    signs={"deal", "order", "volume", "price", "bid", "ask", "request_id"},
)
ROWS = Focus(
    rows=True,
    exact={
        *("type", "entry", "reason", "state", "magic", "comment", "symbol", "type_time", "type_filling"),
        *("volume", "volume_initial", "volume_current", "position_by_id", "external_id"),
    },
    signs={
        *(
            "ticket",
            "order",
            "position_id",
            "identifier",
            "time_done",
            "time_expiration",
            "price_open",
            "price",
        ),
        *("sl", "tp", "price_current", "price_stoplimit", "commission", "swap", "fee"),
    },
)
SENT_WRONG = (
    *("unknown symbol", "no volume", "volume off the step", "unknown filling", "unknown action"),
    *("stop loss on the wrong side", "close of an unknown position", "limit on the wrong side"),
    *("limit that expired", "stops of an unknown position", "removal of an unknown order"),
)

Pause = Callable[[float], object]


def ask_by_trading(asker: Asker, subject: Subject, pause: Pause) -> list[str]:
    """Trade and ask; return what could not be closed again, as sentences."""
    trader = _Trader(asker, subject, pause)
    try:
        trader.send_what_is_refused()
        trader.trade_a_position()
        trader.trade_an_order()
    finally:
        left = trader.clear()
    return left


class _Trader:
    """What this run has opened."""

    def __init__(self, asker: Asker, subject: Subject, pause: Pause) -> None:
        self._asker = asker
        self._subject = subject
        self._pause = pause
        self._position = 0
        self._order = 0

    def send_what_is_refused(self) -> None:
        requests = checked_requests(self._subject)
        for question in SENT_WRONG:
            answer = self._send(question, requests[question])
            self._remember(answer, requests[question])

    def trade_a_position(self) -> None:
        buy = market_buy(self._subject) | {"magic": MAGIC, "comment": COMMENT}
        answer = self._send("market buy", buy)
        if not self._remember(answer, buy):
            return
        ticket = self._position
        self._read("position", lambda mt5: mt5.positions_get(ticket=ticket))
        low = self._subject.price(self._subject.bid - self._subject.distance)
        stops = {"action": 6, "position": ticket, "symbol": self._subject.symbol, "sl": low}
        self._send("stop loss", stops)
        self._send("the same stop loss again", stops)
        self._read("position with a stop loss", lambda mt5: mt5.positions_get(ticket=ticket))
        self._send("close of too much", self._closing() | {"volume": self._subject.volume * 2})
        closed = self._send("close", self._closing())
        self._send("close again", self._closing())
        self._read("its orders", lambda mt5: mt5.history_orders_get(position=ticket), least=2)
        self._read("its deals", lambda mt5: mt5.history_deals_get(position=ticket), least=2)
        self._ask_by_ticket(closed)

    def trade_an_order(self) -> None:
        limit = buy_limit(self._subject) | {"magic": MAGIC, "comment": COMMENT}
        answer = self._send("limit order", limit)
        if not self._remember(answer, limit):
            return
        ticket = self._order
        self._read("limit order's row", lambda mt5: mt5.orders_get(ticket=ticket))
        lower = self._subject.price(limit["price"] - self._subject.distance / 2)
        change = {"action": 7, "order": ticket, "price": lower, "type_time": 0}
        self._send("change of its price", change)
        self._send("the same change again", change)
        self._send("removal", {"action": 8, "order": ticket})
        self._send("removal again", {"action": 8, "order": ticket})
        self._read("its row in history", lambda mt5: mt5.history_orders_get(ticket=ticket))

    def clear(self) -> list[str]:
        """Close and remove what is still there; return sentences about what would not go."""
        module, left = self._asker.module, []
        if self._order and module.orders_get(ticket=self._order):
            module.order_send({"action": 8, "order": self._order})
            if module.orders_get(ticket=self._order):
                left.append(f"order {self._order} is still there: remove it by hand")
        if self._position and module.positions_get(ticket=self._position):
            module.order_send(self._closing())
            if module.positions_get(ticket=self._position):
                left.append(f"position {self._position} is still open: close it by hand")
        return left

    def _send(self, question: str, request: dict[str, Any]) -> Vendor:
        return self._asker.ask(TOPIC, question, partial(_sent, request), ANSWER)

    def _remember(self, answer: Vendor, request: dict[str, Any]) -> bool:
        """Keep the ticket of what was opened; True when it was."""
        done = answer is not None and answer.retcode in (DONE, DONE_PARTIAL) and answer.order != 0
        if done and request["action"] == 1:
            self._position = answer.order
        elif done:
            self._order = answer.order
        return done

    def _read(self, question: str, call: Callable[[Vendor], Vendor], least: int = 1) -> None:
        """Ask once the rows are there, or have had their time."""
        for _ in range(SEEN_ATTEMPTS):
            if len(call(self._asker.module) or ()) >= least:
                break
            self._pause(SEEN_PAUSE_S)
        self._asker.ask(TOPIC, question, call, ROWS)

    def _ask_by_ticket(self, closed: Vendor) -> None:
        if closed is None or closed.retcode != DONE:
            return
        deal, order = closed.deal, closed.order
        self._asker.ask(
            TOPIC, "deals by a deal's ticket", lambda mt5: mt5.history_deals_get(ticket=deal), ROWS
        )
        self._asker.ask(
            TOPIC, "deals by an order's ticket", lambda mt5: mt5.history_deals_get(ticket=order), ROWS
        )

    def _closing(self) -> dict[str, Any]:
        tick = self._asker.module.symbol_info_tick(self._subject.symbol)
        price = self._subject.bid if tick is None else tick.bid
        return market_buy(self._subject) | {
            "type": 1,
            "position": self._position,
            "price": price,
            "magic": MAGIC,
        }


def _sent(request: dict[str, Any], mt5: Vendor) -> Vendor:
    return mt5.order_send(request)
