"""What being flat means, what a flatten may touch, and in which order it closes.

Source: the project's design, sections 6 and 8 "Flatten".
"""

from collections.abc import Iterable
from decimal import Decimal

from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Position, Reading
from mt5fleet.domain.drawdown import smallest_unit
from mt5fleet.domain.ids import is_ours


def nothing_open(reading: Reading) -> bool:
    """Whether the money says that nothing is open: margin 0 and equity = balance + credit.

    With a credit, three numbers are rounded each on its own; without one, two equal ones are.
    """
    slack = smallest_unit(reading) if reading.credit else Decimal(0)
    return reading.margin == 0 and abs(reading.equity - reading.balance - reading.credit) <= slack


def may_touch(foreign: Foreign, magic: int) -> bool:
    """Whether a flatten takes away what carries this magic number."""
    return foreign is Foreign.FLATTEN or is_ours(magic)


def worst_first(positions: Iterable[Position]) -> tuple[Position, ...]:
    """Positions by what they lose now, the largest loss first."""
    return tuple(sorted(positions, key=lambda position: position.profit + position.swap))
