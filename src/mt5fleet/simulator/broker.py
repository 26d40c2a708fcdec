"""The broker: one object that owns every account, quote and order, and the journal they live in.

It never deduplicates: a request that comes twice is executed twice, as at a real broker.
Invariants: nothing is applied that is not journaled first; an account's balance is the sum of its deals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from mt5fleet.simulator.accounts.books import AccountBook, Books, UnknownAccountError
from mt5fleet.simulator.accounts.money import Money
from mt5fleet.simulator.accounts.rows import ZERO, Change, Deal, Transaction
from mt5fleet.simulator.accounts.valuation import Valuation, Worth
from mt5fleet.simulator.accounts.visibility import Views
from mt5fleet.simulator.clock import Clock, ClockError, SimulatedClock, speed_of
from mt5fleet.simulator.codes import Retcode
from mt5fleet.simulator.config import SimulatorConfig
from mt5fleet.simulator.host.clockwork import resume_clock, tell_clock
from mt5fleet.simulator.host.deposits import cash_deal, first_deposits
from mt5fleet.simulator.host.fault_terms import FaultKind, FaultTerms
from mt5fleet.simulator.host.faults import FaultPlan
from mt5fleet.simulator.host.journal import Journal, NullJournal
from mt5fleet.simulator.host.memory import Memory
from mt5fleet.simulator.host.outages import Outages
from mt5fleet.simulator.host.price_calls import PriceHistory
from mt5fleet.simulator.host.terminals import Terminals
from mt5fleet.simulator.instruments.building import build_listings, build_prices
from mt5fleet.simulator.invariants import require_unbroken
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.depth import depth_rows
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.history import History
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.server_time import ServerTime
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.base import ConfigError, sentences
from mt5fleet.simulator.terms.prices import FixedPrices
from mt5fleet.simulator.trading.dealing import Dealer
from mt5fleet.simulator.trading.reactions import Reactions
from mt5fleet.simulator.trading.requests import Answer
from mt5fleet.simulator.trading.rollover import Rollover

FIRST_REQUEST_ID = 2**31
"""Request ids of real terminals exceed 2^31."""


class RefusedError(Exception):
    """A command of the operator breaks a rule; the text names field and rule."""


class Broker:
    """A simulated broker; pure apart from its clock and journal, one thread at a time."""

    def __init__(
        self,
        config: SimulatorConfig,
        *,
        clock: Clock,
        journal: Journal | None = None,
        past: Iterable[Mapping[str, Any]] = (),
        checked: bool = False,
    ) -> None:
        listings = build_listings(config)
        self.config = config
        self.views = Views()
        self.market = _market(config, {name: item.spec for name, item in listings.items()}, clock)
        self.outages = Outages(self.market, self.views)
        self.terminals = Terminals(config, self.market.terms)
        self.faults = FaultPlan(f"{config.seed}/faults", self.begin_fault)
        self._journal = journal or NullJournal()
        self._remembers = journal is not None  # nobody reads the records of a broker without a journal
        self._memory = Memory(self.market, past)
        self._checked = checked
        self._is_first_start = self._memory.start(clock.now_ms())
        prices = build_prices(config, listings, self.market.server_time, self._memory.epoch_ms)
        self._feed = prices.feed
        self._reactions = Reactions(self.market, prices.crosses, self._commit, self._feed.is_fed)
        self._rollover = Rollover(self.market, self._commit_day, self._memory.rolled_day)
        self.history: PriceHistory = _history(self.market, self._feed)
        self._dealer = Dealer(self.market)
        self._last_request_id = FIRST_REQUEST_ID
        self._advanced_ms = -1
        self._start()

    # --- what a terminal asks ---

    def now_ms(self) -> int:
        return self.market.clock.now_ms()

    def advance(self) -> None:
        """Bring quotes and everything they set off up to the clock's time."""
        now_ms = self.now_ms()
        if now_ms == self._advanced_ms:
            return  # thousands of calls may fall into a millisecond or two
        self._advanced_ms = now_ms
        self.faults.advance(now_ms)
        self.outages.advance(now_ms)
        for symbol, tick in self._feed.due(now_ms, speed_of(self.market.clock)):
            time_ms = self.market.server_time.server_ms(tick.at_ms)
            self._elapsed(time_ms)
            self._reactions.quoted(symbol, Quote(bid=tick.bid, ask=tick.ask, time_ms=time_ms))
        self._elapsed(self.market.server_ms())

    def terms(self, login: int) -> AccountTerms:
        try:
            return self.market.terms[login]
        except KeyError:
            raise UnknownAccountError(f"login: no account {login}") from None

    def shown(self, login: int) -> AccountBook:
        """Return the account as its terminal sees it, which may lag behind the books."""
        return self.views.shown(self.market.books.account(login), self.market.clock.now_ms())

    def worth(self, login: int) -> Worth:
        """Return the account's money now.

        Raises:
            NoRateError: A position cannot be valued.
        """
        return self.market.valuation.worth(self.market.books.account(login), self.terms(login))

    def depth(self, symbol: str) -> list[list[int | float]]:
        """Return the market depth as rows of the vendor's `BookInfo`; empty when there is none."""
        return depth_rows(self.market.specs[symbol], self.market.quote(symbol), str(self.config.seed))

    def order_send(
        self, login: int, fields: Mapping[str, Any], liquidity_lots: Decimal | None = None
    ) -> Answer:
        """Check a request and carry it out; executed and journaled, or refused, when this returns.

        `liquidity_lots` is all that this one request finds on offer; None leaves it to the symbol's depth.
        """
        self.advance()
        effect = self._dealer.effect(login, fields, liquidity_lots)
        if effect.changes:
            self._commit(login, effect.changes)
        return effect.answer.numbered(self._next_request_id()) if effect.is_numbered else effect.answer

    def order_check(self, login: int, fields: Mapping[str, Any]) -> tuple[Retcode, Worth | None]:
        """Return what `order_send` would say (OK when it would pass) and the account's money after it."""
        self.advance()
        return self._dealer.foresight(login, fields)

    def offered(self, retcode: Retcode, symbol: str) -> Answer:
        """Return a refusal that shows the current prices; nothing is executed."""
        quote = self.market.quote(symbol)
        answer = Answer.of(retcode)
        if quote is None:
            return answer
        return replace(answer, bid=quote.bid, ask=quote.ask, request_id=self._next_request_id())

    # --- what the operator commands ---

    def set_quote(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        """Set a quote by hand; the symbol's own source is silent from now on.

        Raises:
            RefusedError: No such symbol, or the sides are not in order.
        """
        spec = self.market.specs.get(symbol)
        if spec is None:
            raise RefusedError(f"symbol: no symbol {symbol}")
        try:
            quote = Quote(bid=spec.at_digits(bid), ask=spec.at_digits(ask), time_ms=self.market.server_ms())
        except ValueError as error:
            raise RefusedError(str(error)) from error
        self._journal.append(
            {"kind": "quote", "symbol": symbol, "bid": str(quote.bid), "ask": str(quote.ask)}
        )
        self._silence(symbol, quote.bid, quote.ask)
        self._reactions.quoted(symbol, quote)

    def release_quotes(self) -> None:
        """Let every source quote again."""
        self._journal.append({"kind": "quotes_released"})
        for symbol in self._feed.revive():
            self.market.board.forget_log(symbol)
        self._reactions.revive()
        now_ms = self.market.server_ms()
        for symbol, terms in self.config.prices.items():
            if isinstance(terms, FixedPrices):  # no source repeats them; crosses follow
                self._reactions.quoted(symbol, Quote(bid=terms.bid, ask=terms.ask, time_ms=now_ms))

    def deposit(self, login: int, amount: Decimal, comment: str = "") -> Deal:
        """Book a deposit, or a withdrawal when the amount is negative.

        Raises:
            RefusedError: The amount is zero, has too many digits, or is more than the client's free money.
        """
        terms = self.terms(login)
        if not amount or amount != round(amount, terms.currency_digits):
            raise RefusedError(f"amount: must not be zero and have at most {terms.currency_digits} digits")
        if amount < 0:
            self._require_own(login, -amount)
        deal = cash_deal(self.market, amount, comment or ("deposit" if amount > 0 else "withdrawal"))
        self._commit(login, (deal,))
        return deal

    def reset(self, login: int | None = None) -> None:
        """Empty one account, or all, and deposit its starting balance again."""
        for account in [login] if login is not None else list(self.market.terms):
            self.terms(account)
            deposits = self._written_start("reset", account)
            self._reactions.forget(self.market.books.account(account))
            self.market.books.empty(account)
            self.views.forget(account)
            for deposit in deposits:
                self._apply(deposit)

    def switch(self, login: int, changes: Mapping[str, Any]) -> AccountTerms:
        """Change an account's terms until the process ends, e.g. `{"autotrading": False}`.

        Raises:
            RefusedError: A field is not a switch, or its value breaks the rule.
        """
        wrong = sorted(set(changes) - _SWITCHES)
        if wrong:
            raise RefusedError(f"{wrong[0]}: cannot be switched; can be: {', '.join(sorted(_SWITCHES))}")
        try:
            terms = AccountTerms.model_validate(self.terms(login).model_dump() | dict(changes))
        except ValidationError as error:
            raise RefusedError(sentences(error)) from error
        self.market.terms[login] = terms
        return terms

    def tell_clock(self, tell: Callable[[SimulatedClock], None]) -> None:
        """Set, step or speed the clock; a restarted broker goes on with it.

        Raises:
            RefusedError: The clock cannot be told this, or is not one that can be told anything.
        """
        clock = self.market.clock
        if not isinstance(clock, SimulatedClock):
            raise RefusedError("clock: this broker's clock cannot be set")
        self.advance()
        try:
            tell_clock(clock, tell, self._journal)
        except ClockError as error:
            raise RefusedError(str(error)) from error
        self.advance()

    def add_fault(self, fault: FaultTerms) -> None:
        """Arm a fault, or plan it; one that waits for no call begins when its time has come.

        Raises:
            UnknownAccountError: No such account.
            TooManyFaultsError: The plan is full.
        """
        self.add_faults((fault,))

    def add_faults(self, faults: Sequence[FaultTerms]) -> None:
        """Arm or plan all of them, from one moment on, or none when one is refused; raises as `add_fault`."""
        for fault in faults:
            if fault.login is not None:
                self.terms(fault.login)
        self.faults.add(faults, self.now_ms())

    def begin_fault(self, fault: FaultTerms) -> None:
        """Begin a fault that holds, now."""
        if fault.kind is FaultKind.TERMINAL_RESTART:
            self.terminals.restart(fault, self.now_ms())
        else:
            self.outages.begin(fault)

    def clear_faults(self, login: int | None = None) -> None:
        """Remove every fault and end what holds, or only what names one account."""
        self.faults.clear(login)
        self.outages.end(login)
        self.terminals.recover(login)

    # --- inside ---

    def _start(self) -> None:
        resume_clock(self.market.clock, self.config.clock, self._memory.clock, self._journal)
        if self._is_first_start:
            self._journal.append({"kind": "started", "format": 1, "epoch_ms": self._memory.epoch_ms})
        self._first_quotes()
        self._require_terms()
        self._reactions.arm()
        for login in self.market.terms:
            if not self.market.books.has_account(login):
                self._open_account(login)
        try:
            self.add_faults(self.config.faults)
        except UnknownAccountError as error:
            raise ConfigError(f"faults: {error}") from error

    def _require_terms(self) -> None:
        for book in self.market.books.accounts():
            if book.login not in self.market.terms:
                raise ConfigError(f"accounts: the journal holds login {book.login}; it may not be left out")
            for symbol in sorted(book.symbols() - set(self.market.specs)):
                raise ConfigError(f"symbols: login {book.login} holds {symbol}; it may not be left out")

    def _first_quotes(self) -> None:
        now_ms = self.market.clock.now_ms()
        for symbol, terms in self.config.prices.items():
            if isinstance(terms, FixedPrices):
                self._quote_quietly(symbol, terms.bid, terms.ask, now_ms)
        for symbol, tick in self._feed.start(now_ms):
            self._quote_quietly(symbol, tick.bid, tick.ask, tick.at_ms)
        for symbol, (bid, ask) in self._memory.quotes.items():
            self._silence(symbol, bid, ask)
            self._quote_quietly(symbol, bid, ask, now_ms)
        self._reactions.derive_all()

    def _quote_quietly(self, symbol: str, bid: Decimal, ask: Decimal, at_ms: int) -> None:
        # Nothing is set off before all symbols have a quote; the first tick does that.
        self.market.board.put(
            symbol, Quote(bid=bid, ask=ask, time_ms=self.market.server_time.server_ms(at_ms))
        )

    def _silence(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        for silenced in self._feed.command(symbol, bid, ask, self.now_ms()):
            self.market.board.log(silenced)
        self._reactions.silence(symbol)

    def _open_account(self, login: int) -> None:
        deposits = self._written_start("opened", login)
        self.market.books.open_account(login)
        for deposit in deposits:
            self._apply(deposit)

    def _require_own(self, login: int, amount: Decimal) -> None:
        worth = self.worth(login)
        own = max(worth.margin_free - worth.credit, ZERO)  # the broker's credit stays
        if amount > own:
            raise RefusedError(f"amount: only {own} can be withdrawn")

    def _written_start(self, kind: str, login: int) -> tuple[Transaction, ...]:
        """Write an account's start down in one record: a crash leaves no account without its money."""
        deposits = first_deposits(self.market, login)
        records = [deposit.to_record() for deposit in deposits]
        self._journal.append({"kind": kind, "login": login, "transactions": records})
        return deposits

    def _commit(self, login: int, changes: tuple[Change, ...]) -> None:
        """Journal, then apply: a crash between the two is mended by the next start."""
        transaction = Transaction(login=login, time_ms=self.market.server_ms(), changes=changes)
        if self._remembers:
            self._journal.append(transaction.to_record())
        self._apply(transaction)

    def _commit_day(self, day: int, transactions: tuple[Transaction, ...]) -> None:
        """Book the end of a server day in one record: a crash leaves it booked for everybody or nobody."""
        records = [transaction.to_record() for transaction in transactions]
        self._journal.append({"kind": "rollover", "day": day, "transactions": records})
        for transaction in transactions:
            self._apply(transaction)

    def _apply(self, transaction: Transaction) -> None:
        login, changes = transaction.login, transaction.changes
        before = self.market.books.account(login).copy() if self._checked else None
        self.market.books.apply(transaction)
        self._reactions.follow(login, changes)
        if before is not None:
            require_unbroken(before, transaction, self.market)
        self.views.follow(login, changes, self.market.clock.now_ms())

    def _elapsed(self, server_ms: int) -> None:
        """End what ends with time: pending orders, and the server's day."""
        self._reactions.expire(server_ms)
        self._rollover.elapsed(server_ms)

    def _next_request_id(self) -> int:
        self._last_request_id += 1
        return self._last_request_id


_SWITCHES = frozenset(
    {"mode", "trade_allowed", "trade_expert", "autotrading", "tradeapi_disabled", "connected", "password"}
)


def _history(market: Market, feed: Feed) -> History:
    return History(market.specs, feed, market.board, clock=market.clock, server_time=market.server_time)


def _market(config: SimulatorConfig, specs: dict[str, Any], clock: Clock) -> Market:
    board = QuoteBoard()
    money = Money(specs.values(), board)
    return Market(
        specs=specs,
        board=board,
        money=money,
        valuation=Valuation(specs, board, money),
        books=Books(),
        terms={account.login: account for account in config.accounts},
        clock=clock,
        server_time=ServerTime(config.server_zone),
        comment_max=config.comment_max,
        comment_suffix=config.comment_suffix,
        seed=config.seed,
    )
