"""Reads what decisions need from the terminals; what cannot be read blocks opens and is never guessed."""

from collections.abc import Callable
from typing import TypeVar

from mt5fleet.domain.account import Account, AccountStatus
from mt5fleet.domain.broker import Health, Instrument, Position, RestingOrder
from mt5fleet.domain.checks import AccountFacts, MarketFacts
from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.guards import why_another
from mt5fleet.domain.ids import magic_of
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.journals import Journals
from mt5fleet.service.settings import ExecutionSettings

T = TypeVar("T")


class FactReader:
    """Facts of accounts and symbols; what changes slowly is kept for the times the settings state."""

    def __init__(
        self, gateway: Gateway, journals: Journals, clock: Clock, settings: ExecutionSettings
    ) -> None:
        self._gateway = gateway
        self._journals = journals
        self._clock = clock
        self._settings = settings
        self._healths: dict[str, tuple[float, Health]] = {}
        self._instruments: dict[tuple[str, str], tuple[float, Instrument]] = {}

    def account(self, hold: Hold) -> AccountFacts:
        """Facts for an open; raises Blocked when they cannot be had, StaleToken as the gateway does."""
        health = self._health(hold.account, hold.status)
        reading = _asked(lambda: self._gateway.reading(hold.name, hold.lease.token))
        return AccountFacts(
            account=hold.account,
            state=hold.status.state,
            has_memory=hold.status.memory is not None,
            health=health,
            reading=reading,
            now=hold.time.now(),
        )

    def market(self, hold: Hold, symbol: str) -> MarketFacts:
        """Rules and quote of a broker's symbol."""
        instrument = self.instrument(hold, symbol)
        if instrument is None:
            return MarketFacts(instrument=None, quote=None)
        return MarketFacts(
            instrument=instrument, quote=_asked(lambda: self._gateway.quote(hold.name, symbol))
        )

    def instrument(self, hold: Hold, symbol: str) -> Instrument | None:
        """Rules of a broker's symbol; None when the terminal does not know it."""
        now_s, key = self._clock.monotonic_s(), (hold.name, symbol)
        kept = self._instruments.get(key)
        if kept is not None and now_s - kept[0] < self._settings.instrument_age_s:
            return kept[1]
        instrument = _asked(lambda: self._gateway.instrument(hold.name, symbol))
        if instrument is not None:
            self._instruments[key] = (now_s, instrument)
        return instrument

    def positions(self, hold: Hold, opening_key: str) -> tuple[Position, ...]:
        """Positions that the order of this key opened."""
        found = _asked(lambda: self._gateway.positions(hold.name, hold.lease.token))
        magic = magic_of(opening_key)
        return tuple(position for position in found if position.magic == magic)

    def orders(self, hold: Hold, opening_key: str) -> tuple[RestingOrder, ...]:
        """Resting orders of this key."""
        found = _asked(lambda: self._gateway.orders(hold.name, hold.lease.token))
        magic = magic_of(opening_key)
        return tuple(order for order in found if order.magic == magic)

    def require_connected(self, hold: Hold) -> None:
        """Raise Blocked while the terminal is away."""
        health = _asked(lambda: self._gateway.health(hold.name))
        if not health.connected:
            raise Blocked("; ".join(health.why_not) or f"the terminal of {hold.name} is not connected")

    def journal_id(self, hold: Hold) -> str | None:
        """The journal that the account is bound to, as far as it is known without asking the bridge again."""
        kept = self._healths.get(hold.name)
        return hold.status.journal_id if kept is None else kept[1].journal_id

    def _health(self, account: Account, status: AccountStatus) -> Health:
        now_s = self._clock.monotonic_s()
        kept = self._healths.get(account.name)
        if kept is not None and now_s - kept[0] < self._settings.health_age_s:
            return kept[1]
        health = _asked(lambda: self._gateway.health(account.name))
        self._check_usable(account, status, health)
        self._healths[account.name] = (now_s, health)
        return health

    def _check_usable(self, account: Account, status: AccountStatus, health: Health) -> None:
        if not health.connected or not health.trade_allowed:
            raise Blocked(
                "; ".join(health.why_not) or f"the terminal of {status.account} does not allow trading"
            )
        why_not = why_another(account, health) or self._journals.why_not(status, health)
        if why_not:
            raise Blocked(why_not)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except StaleToken:
        raise
    except GatewayError as error:
        raise Blocked(str(error)) from error
