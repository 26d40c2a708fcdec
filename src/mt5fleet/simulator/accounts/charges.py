"""What a deal costs beside its price, and the swap that leaves a position with it.

Source: MetaTrader 5 Help, "Trading Operations: Deals" (commission and fee belong to deals and lower the
balance at once) and MQL5 Reference, "Deal Properties" (DEAL_COMMISSION, DEAL_FEE, DEAL_SWAP).
"""

from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.simulator.accounts.money import rounded
from mt5fleet.simulator.accounts.rows import ZERO, Position
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.symbol import CommissionOn


@dataclass(frozen=True, slots=True)
class Charges:
    """What a deal pays, in the account's currency: zero or negative."""

    commission: Decimal
    fee: Decimal


def charges(
    spec: SymbolSpec, terms: AccountTerms, *, entered: Decimal = ZERO, left: Decimal = ZERO
) -> Charges:
    """Return commission and fee of a deal, rounded to the account's currency.

    `entered` are the lots of the deal that open or add to a position, `left` those that close; a deal that
    turns a position round has both.
    """
    commissioned = entered if spec.commission_on is not CommissionOn.EXIT else ZERO
    commissioned += left if spec.commission_on is not CommissionOn.ENTRY else ZERO
    digits = terms.currency_digits
    commission = _paid(spec.commission_per_lot, commissioned, digits)
    return Charges(commission, _paid(spec.fee_per_lot, entered + left, digits))


def swap_moved(position: Position, volume: Decimal, terms: AccountTerms) -> Decimal:
    """Return the swap that goes to the deal which closes that volume; the rest stays on the position."""
    if volume == position.volume or not position.swap:
        return position.swap
    return rounded(position.swap * volume / position.volume, terms.currency_digits)


def _paid(per_lot: Decimal, lots: Decimal, digits: int) -> Decimal:
    # Plain 0, because -0 would show as "-0" in the journal.
    return -rounded(per_lot * lots, digits) if per_lot and lots else ZERO
