"""Brings a halted account to flat, from the broker's own list, until two reads apart show it.

Each withdrawal and close has a key of halt, ticket and round: a repeat after a crash finds it in the bridge's
journal and sends nothing twice, and a new round is a new attempt. A failed read closes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Position, Reading, RestingOrder
from mt5fleet.domain.drawdown import smallest_unit
from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.guards import why_another
from mt5fleet.domain.ids import is_ours, order_key
from mt5fleet.domain.order import CancelOrder, CloseOrder, Outcome, Permit
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.service.hold import Hold
from mt5fleet.service.latching import Latching, LatchLedger
from mt5fleet.service.sending import Sent, sent
from mt5fleet.service.settings import FlattenSettings
from mt5fleet.service.telling import ToldOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What is to be taken away, most urgent first."""

    orders: tuple[RestingOrder, ...]
    positions: tuple[Position, ...]

    @property
    def empty(self) -> bool:
        return not self.orders and not self.positions


class Flatten:
    """Flattens accounts that the caller holds and that are HALTED with flatten due."""

    def __init__(
        self,
        *,
        ledger: LatchLedger,
        gateway: Gateway,
        latching: Latching,
        clock: Clock,
        settings: FlattenSettings,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._latching = latching
        self._clock = clock
        self._settings = settings
        self._told = ToldOnce(1_000)

    def run(self, hold: Hold) -> str:
        """One pass; gives why it is not over, or an empty text when flat was seen or nothing may be sent.

        Raises StaleToken and LedgerError.
        """
        if hold.account.shadow:
            return "a shadow account: nothing is sent"
        hold.status = self._latching.confirm(hold.status)
        try:
            # Its positions are closed by ticket: under this name they must be the account's own.
            why_not = why_another(hold.account, self._gateway.health(hold.name)) or self._rounds(hold)
        except StaleToken:
            raise
        except GatewayError as error:
            why_not = f"the account cannot be read: {error}"
        self._tell_stuck(hold, why_not)
        return why_not

    def _rounds(self, hold: Hold) -> str:
        end_s = self._clock.monotonic_s() + self._settings.pass_s
        number = hold.status.flatten_rounds
        for _ in range(self._settings.rounds_per_pass):
            books = self._books(hold)
            if books.empty:
                return self._prove_flat(hold, number)
            if self._clock.monotonic_s() >= end_s:
                break
            number = self._round(hold, books, number + 1, end_s)
            self._tell_not_flat(hold, number)
            self._clock.sleep_s(self._settings.round_pause_s)
        return "the account is not flat yet"

    def _round(self, hold: Hold, books: _Books, number: int, end_s: float) -> int:
        """Resting orders first, so that nothing fills behind the closes; then positions, worst loss first.

        The pass ends in time for the lease; the next one reads the books again.
        """
        receipts: list[Event] = []
        items: tuple[RestingOrder | Position, ...] = (*books.orders, *books.positions)
        for item in items[: self._settings.closes_per_round]:
            receipts.append(self._take_away(hold, item, number))
            if self._clock.monotonic_s() >= end_s:
                break
        return self._ledger.flatten_step(hold.lease, tuple(receipts))

    def _books(self, hold: Hold) -> _Books:
        orders = self._orders(hold)
        positions = self._gateway.positions(hold.name, hold.lease.token)
        if isinstance(orders, GatewayError):
            if not positions:
                raise orders
            orders = ()  # what is listed is closed meanwhile; flat is shown by both lists only
        may_touch = _touchable(hold.account.foreign)
        worst_first = sorted(positions, key=lambda position: position.profit + position.swap)
        return _Books(
            orders=tuple(order for order in orders if may_touch(order.magic)),
            positions=tuple(position for position in worst_first if may_touch(position.magic)),
        )

    def _orders(self, hold: Hold) -> tuple[RestingOrder, ...] | GatewayError:
        """Resting orders, read before positions: one that fills in between is seen twice, not never."""
        try:
            return self._gateway.orders(hold.name, hold.lease.token)
        except StaleToken:
            raise
        except GatewayError as error:
            return error

    def _take_away(self, hold: Hold, item: RestingOrder | Position, number: int) -> Event:
        if isinstance(item, RestingOrder):
            return self._cancel(hold, item, number)
        return self._close(hold, item, number)

    def _cancel(self, hold: Hold, order: RestingOrder, number: int) -> Event:
        request = CancelOrder(opening_key=None, opening_magic=None, ticket=order.ticket)
        carried = self._permit(hold, order.ticket, number)
        answer = sent(lambda: self._gateway.cancel(hold.name, request, carried))
        return _receipt(hold, "cancel", order.ticket, order.symbol, number, _proved(answer))

    def _close(self, hold: Hold, position: Position, number: int) -> Event:
        request = CloseOrder(
            opening_key=None, opening_magic=None, ticket=position.ticket, remaining=Decimal(0)
        )
        carried = self._permit(hold, position.ticket, number)
        answer = sent(lambda: self._gateway.close(hold.name, request, carried))
        return _receipt(hold, "close", position.ticket, position.symbol, number, _proved(answer))

    def _permit(self, hold: Hold, ticket: int, number: int) -> Permit:
        name = f"halt-{hold.status.halted_seq}-{ticket}"
        now = hold.time.now()
        return Permit(
            key=order_key(hold.account.server, hold.account.login, name, number).text,
            attempt=1,
            token=hold.lease.token,
            not_after=now + timedelta(milliseconds=self._settings.deadline_ms),
            sent_at=now,
            journal_id=hold.status.journal_id,
            journal_sequence=hold.status.journal_sequence,
        )

    def _prove_flat(self, hold: Hold, number: int) -> str:
        """Two synchronised reads a visibility lag apart; a single empty list proves nothing."""
        if not self._money_flat(hold):
            return "no position is listed, and the money says that something is open"
        self._clock.sleep_s(self._settings.visibility_lag_s)
        if not self._books(hold).empty or not self._money_flat(hold):
            return "something appeared between the two reads"
        self._ledger.seen_flat(hold.lease, alert=_flat_alert(hold, number))
        return ""

    def _money_flat(self, hold: Hold) -> bool:
        """Where foreign positions are left alone, the money cannot tell."""
        if hold.account.foreign is Foreign.LEAVE:
            return True
        return _nothing_open(self._gateway.reading(hold.name, hold.lease.token))

    def _tell_not_flat(self, hold: Hold, number: int) -> None:
        if number < self._settings.rounds_alert:
            return
        subject = f"not-flat:{hold.name}:{hold.status.halted_seq}"
        if self._told.first(f"{subject}:{number // self._settings.rounds_alert}"):
            self._ledger.raise_alert(_not_flat_alert(hold, number, subject))

    def _tell_stuck(self, hold: Hold, why_not: str) -> None:
        """A flatten that makes no round is told by its age: nothing else would speak of it."""
        since = hold.status.since
        if not why_not or since is None:
            return
        lasted_s = (hold.time.now() - since).total_seconds()
        subject = f"not-flat:{hold.name}:{hold.status.halted_seq}"
        if lasted_s >= self._settings.stuck_alert_s and self._told.first(subject):
            self._ledger.raise_alert(_stuck_alert(hold, why_not, subject))


def _proved(answer: Sent) -> Outcome:
    if answer.stale is not None:
        raise answer.stale
    return answer.outcome


def _touchable(foreign: Foreign) -> Callable[[int], bool]:
    return is_ours if foreign is Foreign.LEAVE else lambda _magic: True


def _nothing_open(reading: Reading) -> bool:
    """With a credit, three numbers are rounded each on its own; without one, two equal ones are."""
    slack = smallest_unit(reading) if reading.credit else Decimal(0)
    return reading.margin == 0 and abs(reading.equity - reading.balance - reading.credit) <= slack


def _receipt(hold: Hold, operation: str, ticket: int, symbol: str, number: int, outcome: Outcome) -> Event:
    return Event(
        type=EventType.FLATTEN_STEP,
        account=hold.name,
        numbers={
            "operation": operation,
            "ticket": str(ticket),
            "symbol": symbol,
            "round": str(number),
            "state": outcome.state.value,
            "sentence": outcome.sentence,
            "lots": str(outcome.volume),
        },
    )


def _flat_alert(hold: Hold, number: int) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{hold.name} is flat",
        text=f"The broker showed no position and no order twice, after {number} rounds. "
        "The account stays halted until a named person lifts it.",
        dedupe=f"flat:{hold.name}:{hold.status.halted_seq}",
        account=hold.name,
    )


def _not_flat_alert(hold: Hold, number: int, subject: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{hold.name} is halted and not flat",
        text=f"{number} rounds have not closed everything; it goes on. Look at the terminal now.",
        dedupe=subject,
        account=hold.name,
    )


def _stuck_alert(hold: Hold, why_not: str, subject: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{hold.name} is halted and not shown flat",
        text=f"{why_not}. The flatten goes on. Look at the terminal now.",
        dedupe=subject,
        account=hold.name,
    )
