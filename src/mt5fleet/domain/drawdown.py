"""What the guards stand on: peak equity, cash flows, floors, and the one comparison with limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from mt5fleet.domain.account import GuardMemory, Limits
from mt5fleet.domain.broker import Deal, DealEntry, Reading

_PERCENT = Decimal(100)
_FLOOR_SHARE = Decimal("0.5")  # of the first balance, until the owner sets a floor
_MONEY_GRID = Decimal("0.0001")  # finer than any currency's smallest unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Money put in (positive) or taken out between two readings, up to the deal `last_deal`."""

    amount: Decimal
    last_deal: int


def reached(value: Decimal, limit: Decimal) -> bool:
    """Whether a value is at or past its limit: every limit of ours breaches when it is reached."""
    return value >= limit


def drawdown_reached(peak: Decimal, equity: Decimal, percent: Decimal) -> bool:
    """Whether the fall from the peak has reached `percent` of the peak; exact, without division."""
    return reached((peak - equity) * _PERCENT, percent * peak)


def drawdown_percent(peak: Decimal, equity: Decimal) -> Decimal:
    """The fall from the peak in percent of the peak, for people; 0 at or above the peak."""
    if peak <= 0 or equity >= peak:
        return Decimal(0)
    return ((peak - equity) * _PERCENT / peak).quantize(_MONEY_GRID, rounding=ROUND_HALF_EVEN)


def floor_of(limits: Limits, memory: GuardMemory) -> Decimal:
    """The equity that must not be reached from above: the owner's, or half of the first balance."""
    if limits.equity_floor is not None:
        return limits.equity_floor
    return memory.first_balance * _FLOOR_SHARE


def first_memory(reading: Reading, deals: Iterable[Deal]) -> GuardMemory:
    """Memory at first sight: the peak is the equity shown, and the deals listed so far are accounted for."""
    return GuardMemory(
        peak_equity=reading.equity,
        first_balance=reading.balance,
        last_equity=reading.equity,
        last_balance=reading.balance,
        last_at=reading.at,
        cash_flow_total=Decimal(0),
        sequence=1,
        last_deal=max((deal.ticket for deal in deals), default=0),
        last_credit=reading.credit,
    )


def remembered(memory: GuardMemory, reading: Reading, flow: Flow) -> GuardMemory:
    """Memory after a reading, with the cash flow since the last one taken out of peak and first balance."""
    amount = flow.amount + reading.credit - memory.last_credit
    peak = without_flow(memory.peak_equity, reading.equity, amount)
    return replace(
        memory,
        peak_equity=max(peak, reading.equity),
        first_balance=without_flow(memory.first_balance, reading.equity, amount),
        last_equity=reading.equity,
        last_balance=reading.balance,
        last_at=reading.at,
        cash_flow_total=memory.cash_flow_total + amount,
        sequence=memory.sequence + 1,
        last_deal=flow.last_deal,
        last_credit=reading.credit,
    )


def without_flow(base: Decimal, equity: Decimal, flow: Decimal) -> Decimal:
    """A base scaled with the equity that a cash flow changed, so that the flow itself moves no percentage.

    Adding the amount instead would deepen the drawdown of an account that withdraws below its peak. It is
    added only where nothing was left before the flow: no share is kept then, and the loss must stay seen.
    Source: CFA Institute, "Global Investment Performance Standards", time-weighted returns.
    """
    if flow == 0:
        return base
    before = equity - flow
    if before <= 0:
        return base + flow
    return (base * equity / before).quantize(_MONEY_GRID, rounding=ROUND_HALF_EVEN)


def explained_flow(memory: GuardMemory, reading: Reading, deals: Iterable[Deal]) -> Flow | None:
    """The cash flow in the oldest new deals whose results add up to the change of the balance.

    Deals are read after the reading and may hold later ones; None when no run of them explains the change.
    Brokers round the balance and each deal on their own, so each deal may be off by the smallest money unit.
    """
    change, unit = reading.balance - memory.last_balance, smallest_unit(reading)
    new = sorted((deal for deal in deals if deal.ticket > memory.last_deal), key=lambda deal: deal.ticket)
    for count in range(len(new), -1, -1):
        total = sum((result_of(deal) for deal in new[:count]), Decimal(0))
        if abs(total - change) <= unit * count:
            return _flow(memory, new[:count])
    return None


def flow_by_time(memory: GuardMemory, reading: Reading, deals: Iterable[Deal]) -> Flow:
    """The cash flow by the deals' moments alone, for when results do not add up; its edges are not exact."""
    new = [deal for deal in deals if _between(memory.last_at, deal.at, reading.at)]
    return _flow(memory, new)


def smallest_unit(reading: Reading) -> Decimal:
    """The smallest amount of the account's currency, as its balance is written: 1 yen, 1 cent."""
    exponent = reading.balance.as_tuple().exponent
    return Decimal(1).scaleb(min(exponent, 0)) if isinstance(exponent, int) else Decimal(1)


def result_of(deal: Deal) -> Decimal:
    """What a deal did to the balance; a credit is kept beside it."""
    if deal.entry is DealEntry.CREDIT:
        return Decimal(0)
    return deal.profit + deal.swap + deal.commission + deal.fee


def _flow(memory: GuardMemory, deals: Sequence[Deal]) -> Flow:
    amounts = (result_of(deal) for deal in deals if deal.entry is DealEntry.NONE)
    newest = max((deal.ticket for deal in deals), default=memory.last_deal)
    return Flow(amount=sum(amounts, Decimal(0)), last_deal=max(newest, memory.last_deal))


def _between(after: datetime, moment: datetime, until: datetime) -> bool:
    return after < moment <= until
