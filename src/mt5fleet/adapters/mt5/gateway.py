"""The gateway port over a MetaTrader5-shaped module, for one account in one process; one call at a time."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.shapes import Module
from mt5fleet.adapters.mt5.standing import People, Standing
from mt5fleet.adapters.mt5.terminal import Terminal
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, ValueRefused
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit
from mt5fleet.domain.person import Person
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import STREAM_EVERY_S_MAX, STREAM_EVERY_S_MIN
from mt5fleet.ports.journal import Journal


def nobody() -> Mapping[str, Person]:
    """No person at all: nobody may lift a latch or set a floor."""
    return {}


class ModuleGateway:
    """Gateway port: terminal, standing and ledger contact of one account together."""

    def __init__(
        self,
        module: Module,
        settings: TerminalSettings,
        journal: Journal,
        clock: Clock,
        people: People = nobody,
    ) -> None:
        self.contact = LedgerContact(clock)
        self.terminal = Terminal(module, settings, journal, clock)
        self.standing = Standing(
            journal,
            server=settings.server,
            login=settings.login,
            people=people,
            clock=clock,
            unanswered_s=settings.unanswered_s,
        )
        self._clock = clock

    def learn_offset(self) -> None:
        """Learn the server's distance from UTC ahead of the first call that needs it, if ticks arrive."""
        self.terminal.learn_offset()

    def health(self, account: str) -> Health:
        return self.standing.dress(self.terminal.health(account), self.contact.age_s())

    def reading(self, account: str, token: int | None = None) -> Reading:
        return self.terminal.reading(account, token)

    def readings(
        self, accounts: tuple[str, ...], ledger_at: datetime | None = None
    ) -> dict[str, Reading | str]:
        self.contact.see(ledger_at)
        return {account: self._reading_or_reason(account) for account in accounts}

    def reading_stream(self, accounts: tuple[str, ...], every_s: float) -> Iterator[dict[str, Reading | str]]:
        if not STREAM_EVERY_S_MIN <= every_s <= STREAM_EVERY_S_MAX:
            raise ValueRefused("every_s", f"must be {STREAM_EVERY_S_MIN} to {STREAM_EVERY_S_MAX} seconds")
        return self._readings_again(accounts, every_s)

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        return self.terminal.instrument(account, symbol)

    def quote(self, account: str, symbol: str) -> Quote | None:
        return self.terminal.quote(account, symbol)

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        return self.terminal.positions(account, token)

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        return self.terminal.orders(account, token)

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        return self.terminal.deals(account, since, until)

    def check(self, account: str, order: OpenOrder) -> Check:
        return self.terminal.check(account, order)

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        context = CallContext(arrived_at=self._clock.now(), ledger_age_s=self.contact.age_s())
        return self.terminal.submit(account, order, permit, context)

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        return self.terminal.close(account, order, permit)

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        return self.terminal.modify(account, order, permit)

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        return self.terminal.cancel(account, order, permit)

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        return self.terminal.resolve(account, key, magic, attempt, token, since)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        self._standing(account).latch(sequence, reason)

    def unlatch(self, account: str, record: str) -> None:
        self._standing(account).unlatch(record)

    def checkpoint(self, account: str, memory: GuardMemory) -> None:
        self._standing(account).checkpoint(memory)

    def memory(self, account: str) -> GuardMemory | None:
        return self._standing(account).memory()

    def floor(self, account: str, record: str) -> None:
        self._standing(account).floor(record)

    def bind(self, account: str, journal_id: str | None, sequence: int) -> Binding:
        return self._standing(account).bind(journal_id, sequence)

    def _readings_again(
        self, accounts: tuple[str, ...], every_s: float
    ) -> Iterator[dict[str, Reading | str]]:
        while True:  # until the caller stops asking
            yield self.readings(accounts)
            self._clock.sleep_s(every_s)

    def _standing(self, account: str) -> Standing:
        self.terminal.require_mine(account)
        return self.standing

    def _reading_or_reason(self, account: str) -> Reading | str:
        try:
            return self.reading(account)
        except GatewayError as error:
            return str(error)
