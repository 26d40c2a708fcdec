"""One command as far as it goes now: asked about, verified, in time, and then by its verb."""

from typing import Protocol

from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command
from mt5fleet.domain.signal import Cancel, Close, Modify, Open
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import GuardBook, Inbox, Outbox, Story
from mt5fleet.service.cancel_order import CancelOrders
from mt5fleet.service.close_order import CloseOrders
from mt5fleet.service.facts import FactReader
from mt5fleet.service.hold import Hold
from mt5fleet.service.journals import Journals
from mt5fleet.service.modify_order import ModifyOrders
from mt5fleet.service.open_order import OpenOrders
from mt5fleet.service.recorder import POISON, Recorder
from mt5fleet.service.refusal import Refusal
from mt5fleet.service.replay import Replays
from mt5fleet.service.seals import SignalReader, Verified
from mt5fleet.service.settings import ExecutionSettings
from mt5fleet.service.telling import Notices


class CommandLedger(Inbox, GuardBook, Outbox, Story, Protocol):
    """The parts of the ledger that commands need."""


class CarryOut:
    """Carries out commands of accounts that the caller holds."""

    def __init__(
        self,
        *,
        ledger: CommandLedger,
        gateway: Gateway,
        signals: SignalReader,
        recorder: Recorder,
        clock: Clock,
        settings: ExecutionSettings,
    ) -> None:
        notices = Notices(ledger, told_max=settings.notices_max, events_looked_at=settings.events_looked_at)
        self._facts = facts = FactReader(gateway, Journals(ledger, notices), clock, settings)
        self._signals = signals
        self._recorder = recorder
        self._settings = settings
        self._replays = Replays(inbox=ledger, gateway=gateway, recorder=recorder, settings=settings)
        self._opens = OpenOrders(
            inbox=ledger, gateway=gateway, facts=facts, recorder=recorder, clock=clock, settings=settings
        )
        self._closes = CloseOrders(
            inbox=ledger, gateway=gateway, facts=facts, recorder=recorder, settings=settings
        )
        self._modifies = ModifyOrders(
            inbox=ledger, gateway=gateway, facts=facts, recorder=recorder, settings=settings
        )
        self._cancels = CancelOrders(inbox=ledger, gateway=gateway, recorder=recorder, settings=settings)

    def run(self, hold: Hold, command: Command) -> None:
        """Move the command on; raises Blocked when a fact is missing, StaleToken and the ledger's errors."""
        if self._set_aside(hold, command) or not self._replays.absent(hold, command):
            return
        verified = self._verified(hold, command)
        if verified is None:
            return
        if hold.time.now() >= command.valid_until:
            self._recorder.expire(hold, command)
        elif hold.account.shadow and not command.is_open:
            numbers = {"verb": command.verb.value}
            self._recorder.deny(hold, command, Denial(reason=DenialReason.SHADOW, numbers=numbers))
        else:
            self._by_verb(hold, command, verified)

    def _set_aside(self, hold: Hold, command: Command) -> bool:
        """Whether owners ended over this command again and again: the inbox goes on without it."""
        if command.takeovers < self._settings.takeovers_max:
            return False
        untouched = command.state is OrderState.RECEIVED and not self._replays.older(hold, command)
        if untouched:
            numbers = {"takeovers": str(command.takeovers)}
            self._recorder.deny(hold, command, Denial(reason=DenialReason.POISON, numbers=numbers))
        else:
            sentence = f"{command.takeovers} owners ended while they held it: settle it by name"
            self._recorder.doubt(hold, command, sentence, reason=POISON)
        return True

    def _verified(self, hold: Hold, command: Command) -> Verified | None:
        try:
            return self._signals.read(command, hold.account, hold.time.now())
        except Refusal as refusal:
            numbers = {"field": refusal.field, "rule": refusal.rule}
            denial = Denial(reason=DenialReason(refusal.reason), numbers=numbers)
            self._recorder.deny(hold, command, denial)
            return None

    def _by_verb(self, hold: Hold, command: Command, verified: Verified) -> None:
        instruction, opening_key = verified.signal.instruction, command.opening_key
        if isinstance(instruction, Open):
            self._opens.run(hold, command, verified, instruction)
        elif opening_key is None:
            numbers = {"missing": "opening_key"}
            self._recorder.deny(hold, command, Denial(reason=DenialReason.OPENING_UNKNOWN, numbers=numbers))
        else:
            self._follow_up(hold, command, instruction, opening_key)

    def _follow_up(
        self, hold: Hold, command: Command, instruction: Close | Modify | Cancel, opening_key: str
    ) -> None:
        """Close, modify or cancel; a repeat waits for the terminal, so that an outage uses up no attempts."""
        self._replays.ask_about_opening(hold, opening_key)
        if command.attempt > 0:
            self._facts.require_connected(hold)
        if isinstance(instruction, Close):
            self._closes.run(hold, command, instruction, opening_key)
        elif isinstance(instruction, Cancel):
            self._cancels.run(hold, command, opening_key)
        else:
            self._modifies.run(hold, command, instruction, opening_key)
