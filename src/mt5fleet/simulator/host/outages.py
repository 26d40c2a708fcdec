"""Faults that hold for a while: a terminal without its broker, records that lag, a server's wrong clock."""

from dataclasses import dataclass

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.accounts.visibility import Views
from mt5fleet.simulator.host.fault_terms import FaultKind, FaultTerms
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.quotes import Quote

FROZEN_LAG_MS = 10**13
"""What a terminal without its broker lags behind: it sees nothing new until the outage ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What a disconnected terminal still shows."""

    until_ms: int
    quotes: dict[str, Quote]
    worth: Worth | None  # None: it could not be valued then either


class Outages:
    """Begins them, ends them in time, and knows what a terminal shows meanwhile."""

    def __init__(self, market: Market, views: Views) -> None:
        self._market = market
        self._views = views
        self._without_broker: dict[int, Outage] = {}
        self._lags_ms: dict[int, int] = {}
        self._shifted_until_ms: int | None = None
        self._next_ms: int | None = None
        self._looked_ms = 0

    def begin(self, terms: FaultTerms) -> None:
        """Let one of the faults that hold begin now."""
        now_ms = self._market.clock.now_ms()
        if terms.kind is FaultKind.SERVER_OFFSET:
            self._shift(terms, now_ms)
        for login in [terms.login] if terms.login is not None else list(self._market.terms):
            if terms.kind is FaultKind.VISIBILITY_LAG:
                self._lag(login, terms.delay_ms)
            if terms.kind is FaultKind.DISCONNECT:
                self._disconnect(login, now_ms + terms.lasts_ms)
        self._look_ahead()

    def advance(self, now_ms: int) -> None:
        """End what has lasted long enough; a clock that was set back ends everything with an end."""
        is_set_back, self._looked_ms = now_ms < self._looked_ms, now_ms
        if self._next_ms is None or (now_ms < self._next_ms and not is_set_back):
            return
        for login, outage in list(self._without_broker.items()):
            if outage.until_ms <= now_ms or is_set_back:
                self._reconnect(login)
        if self._shifted_until_ms is not None and (self._shifted_until_ms <= now_ms or is_set_back):
            self._unshift()
        self._look_ahead()

    def end(self, login: int | None = None) -> None:
        """End what holds for one account, or everything."""
        for account in [login] if login is not None else list(self._market.terms):
            self._lag(account, 0)
            if account in self._without_broker:
                self._reconnect(account)
        if login is None:
            self._unshift()
        self._look_ahead()

    def of(self, login: int) -> Outage | None:
        """Return what an account's terminal shows without its broker; None while it has one."""
        return self._without_broker.get(login)

    def _shift(self, terms: FaultTerms, now_ms: int) -> None:
        self._market.server_time.shift_ms = terms.shift_ms
        self._shifted_until_ms = now_ms + terms.lasts_ms if terms.lasts_ms else None

    def _unshift(self) -> None:
        self._market.server_time.shift_ms = 0
        self._shifted_until_ms = None

    def _lag(self, login: int, lag_ms: int) -> None:
        self._lags_ms[login] = lag_ms
        if login not in self._without_broker:
            self._views.set_lag(self._market.books.account(login), lag_ms)

    def _disconnect(self, login: int, until_ms: int) -> None:
        market = self._market
        known = self._without_broker.get(login)
        quotes = known.quotes if known else _quotes(market)
        worth = known.worth if known else _worth(market, login)
        self._without_broker[login] = Outage(until_ms=until_ms, quotes=quotes, worth=worth)
        self._views.set_lag(market.books.account(login), FROZEN_LAG_MS)
        market.terms[login] = market.terms[login].model_copy(update={"connected": False})

    def _reconnect(self, login: int) -> None:
        market = self._market
        del self._without_broker[login]
        self._views.set_lag(market.books.account(login), 0)
        self._views.set_lag(market.books.account(login), self._lags_ms.get(login, 0))
        market.terms[login] = market.terms[login].model_copy(update={"connected": True})

    def _look_ahead(self) -> None:
        ends = [outage.until_ms for outage in self._without_broker.values()]
        if self._shifted_until_ms is not None:
            ends.append(self._shifted_until_ms)
        self._next_ms = min(ends, default=None)


def _quotes(market: Market) -> dict[str, Quote]:
    found = ((name, market.quote(name)) for name in market.specs)
    return {name: quote for name, quote in found if quote is not None}


def _worth(market: Market, login: int) -> Worth | None:
    try:
        return market.valuation.worth(market.books.account(login), market.terms[login])
    except NoRateError:
        return None
