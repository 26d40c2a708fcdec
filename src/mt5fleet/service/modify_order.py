"""Carries out a modify; one that adds risk passes the account's checks as an open does."""

from mt5fleet.codec import decode, encode
from mt5fleet.domain.broker import Position
from mt5fleet.domain.checks import check_account
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.order import Command, ModifyOrder
from mt5fleet.domain.risk import modify_adds_risk
from mt5fleet.domain.signal import Modify, Removal
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import BeginRefusal, Begun, Inbox
from mt5fleet.service.facts import FactReader
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.permits import permit
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.sending import sent
from mt5fleet.service.settings import ExecutionSettings

_WAITS = frozenset({DenialReason.READING_STALE, DenialReason.MEMORY_MISSING})


class ModifyOrders:
    """Changes of stops, targets and resting prices on accounts that the caller holds."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        gateway: Gateway,
        facts: FactReader,
        recorder: Recorder,
        settings: ExecutionSettings,
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._facts = facts
        self._recorder = recorder
        self._settings = settings

    def run(self, hold: Hold, command: Command, change: Modify, opening_key: str) -> None:
        """Move one modify as far as it goes now; raises Blocked, StaleToken and the ledger's errors."""
        positions = self._facts.positions(hold, opening_key)
        adds_risk = modify_adds_risk(change, positions)
        denial = self._check(hold, change, positions) if adds_risk else None
        if denial is not None:
            self._refuse(hold, command, denial)
            return
        begun = self._inbox.begin(
            hold.lease,
            command.key,
            adds_risk=adds_risk,
            goal=encode(ModifyOrder, _order(change, opening_key)),
            full=False,
            deadline_ms=self._settings.deadline_ms,
            attempts_max=self._settings.attempts_max,
        )
        if isinstance(begun, BeginRefusal):
            self._recorder.refused(hold, command, begun)
        else:
            self._send(hold, command, begun, _order(change, opening_key))

    def _check(self, hold: Hold, change: Modify, positions: tuple[Position, ...]) -> Denial | None:
        mandatory = hold.account.limits.stop_loss_mandatory
        if mandatory and isinstance(change.stop_loss, Removal):
            numbers = {"positions": str(len(positions)), "stop_loss": "remove"}
            return Denial(reason=DenialReason.STOP_LOSS_MISSING, numbers=numbers)
        return check_account(self._facts.account(hold))

    def _refuse(self, hold: Hold, command: Command, denial: Denial) -> None:
        if denial.reason in _WAITS:
            raise Blocked(denial.sentence)
        self._recorder.deny(hold, command, denial)

    def _send(self, hold: Hold, command: Command, begun: Begun, order: ModifyOrder) -> None:
        fixed = order if begun.goal is None else decode(ModifyOrder, begun.goal)
        carried = permit(hold, command, begun, hold.status.journal_id)
        answer = sent(lambda: self._gateway.modify(hold.name, fixed, carried))
        self._recorder.write(hold, command, answer.outcome, {"attempt": str(begun.attempt)})
        if answer.stale is not None:
            raise answer.stale


def _order(change: Modify, opening_key: str) -> ModifyOrder:
    return ModifyOrder(
        opening_key=opening_key,
        opening_magic=magic_of(opening_key),
        ticket=None,
        stop_loss=change.stop_loss,
        take_profit=change.take_profit,
        price=change.price,
    )
