"""Whether a change of a position or resting order adds risk: then it passes the guards as an open does."""

from decimal import Decimal

from mt5fleet.domain.broker import Position
from mt5fleet.domain.signal import Modify, Removal, Side


def modify_adds_risk(change: Modify, positions: tuple[Position, ...]) -> bool:
    """True for a moved entry price, a removed or widened stop, and for a stop change of what is not seen.

    Source: the project's design, section 5 "The other verbs".
    """
    if change.price is not None:
        return True
    if change.stop_loss is None:
        return False
    if not positions:
        return True
    return any(_widens(position, change.stop_loss) for position in positions)


def _widens(position: Position, stop_loss: Decimal | Removal) -> bool:
    if isinstance(stop_loss, Removal):
        return position.stop_loss is not None
    if position.stop_loss is None:
        return False
    moved = stop_loss - position.stop_loss
    return moved < 0 if position.side is Side.BUY else moved > 0
