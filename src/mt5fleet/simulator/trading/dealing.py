"""One door to trading: a request comes in, an answer and the records it changes come out."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.codes import Retcode
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.checks import refusal
from mt5fleet.simulator.trading.execution import Effect, execute
from mt5fleet.simulator.trading.foresight import worth_after
from mt5fleet.simulator.trading.requests import Answer, MalformedRequestError, TradeRequest

_NEW_PRICES = (Retcode.REQUOTE, Retcode.PRICE_CHANGED)


class Dealer:
    """Judges requests; changes no books, and remembers only how fast each account asks."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._asked_ms: dict[int, deque[int]] = {}

    def effect(self, login: int, fields: Mapping[str, Any], liquidity_lots: Decimal | None = None) -> Effect:
        """Return the answer to a trade request, and the changes to be committed; none when refused.

        `liquidity_lots` is all that this request finds on offer; None leaves it to the symbol's depth.
        """
        if self._is_too_fast(login):
            return _refused(Retcode.TOO_MANY_REQUESTS)
        try:
            case = Case.of(self._market, login, TradeRequest.from_wire(fields), liquidity_lots)
            code = refusal(case)
            return execute(case) if code is None else _refusal_of(case, code)
        except MalformedRequestError as error:
            return _refused(error.retcode)
        except NoRateError:
            return _refused(Retcode.PRICE_OFF)

    def foresight(self, login: int, fields: Mapping[str, Any]) -> tuple[Retcode, Worth | None]:
        """Return what `effect` would answer (OK when it would pass) and the account's money after it."""
        try:
            case = Case.of(self._market, login, TradeRequest.from_wire(fields))
            code = refusal(case)
            return (Retcode.OK, worth_after(case)) if code is None else (code, None)
        except MalformedRequestError as error:
            return error.retcode, None
        except NoRateError:
            return Retcode.PRICE_OFF, None

    def _is_too_fast(self, login: int) -> bool:
        limit = self._market.terms[login].requests_per_s_max
        if not limit:
            return False
        now_ms = self._market.clock.now_ms()
        asked = self._asked_ms.setdefault(login, deque())
        # A clock that was set back leaves requests in its future; they count no more than old ones.
        while asked and not 0 <= now_ms - asked[0] < MS_PER_S:
            asked.popleft()
        if len(asked) >= limit:
            return True  # refused requests do not count, so the queue is bounded by the limit
        asked.append(now_ms)
        return False


def _refusal_of(case: Case, code: Retcode) -> Effect:
    if code not in _NEW_PRICES:
        return _refused(code)
    quote = case.known_quote
    answer = Answer(retcode=code, comment=Answer.of(code).comment, bid=quote.bid, ask=quote.ask)
    return Effect(answer=answer)


def _refused(code: Retcode) -> Effect:
    return Effect(answer=Answer.of(code), is_numbered=False)
