"""What an owner's order-changing calls carry."""

from mt5fleet.domain.order import Command, Permit
from mt5fleet.ports.ledger import Begun
from mt5fleet.service.hold import Hold


def permit(
    hold: Hold, command: Command, begun: Begun, journal_id: str | None, *, key: str | None = None
) -> Permit:
    """The permit of one begun attempt; `key` for a first call that prepares the order's own."""
    return Permit(
        key=command.key if key is None else key,
        attempt=begun.attempt if key is None else 1,
        token=hold.lease.token,
        not_after=begun.not_after,
        sent_at=hold.time.now(),
        journal_id=journal_id,
        journal_sequence=hold.status.journal_sequence,
    )
