"""The last look before a send: what must be true at that moment, whatever was checked before.

Source: the project's design, section 5 "Write-ahead" and section 6. Opens need everything; what only reduces
risk needs the right account, a simulator, the switches and the time.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.adapters.mt5.codes import MarginCode
from mt5fleet.adapters.mt5.conversions import mode_of
from mt5fleet.adapters.mt5.settings import CLOCK_SKEW_MS_MAX, SIMULATOR_WORD, TerminalSettings
from mt5fleet.adapters.mt5.shapes import AccountRow, TerminalRow
from mt5fleet.domain.broker import Mode, Quote
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry, Side

QUOTE_AHEAD_S_MAX = 5  # a quote further in the future means a wrong clock or offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the bridge sees just before a send. `arrived_at` is when the call reached the bridge."""

    settings: TerminalSettings
    account: AccountRow
    terminal: TerminalRow
    permit: Permit
    arrived_at: datetime
    now: datetime


def refusal_of_any(look: Look) -> Outcome | None:
    """Why nothing at all may leave for this account; None when reducing risk may go on."""
    if look.settings.shadow:
        return _not_sent("the account is a shadow: it records and sends nothing", denial=DenialReason.SHADOW)
    company = look.terminal.company
    if SIMULATOR_WORD not in company.lower() or look.settings.mode is Mode.REAL:
        refused = f"the terminal of '{company}', mode {look.settings.mode}, is refused"
        sentence = f"{refused}: this version trades on 'mt5fleet simulator' in mode demo only"
        return _not_sent(sentence, denial=DenialReason.MODE_MISMATCH)
    if look.now > look.permit.not_after:
        return _not_sent("the time for this attempt is over", retry=Retry.AFTER_DELAY)
    off = switches_off(look.account, look.terminal)
    return _not_sent("; ".join(off), retry=Retry.AFTER_DELAY) if off else None


def refusal_of_open(look: Look, *, journal_id: str, latch: tuple[int, str] | None) -> Outcome | None:
    """Why no open may leave; None when only the market remains to be looked at."""
    mode = mode_of(look.account.trade_mode)
    if mode is not look.settings.mode:
        sentence = f"the terminal reports mode {mode or 'unknown'}, configured is {look.settings.mode}"
        return _not_sent(sentence, denial=DenialReason.MODE_MISMATCH)
    if look.account.margin_mode != MarginCode.RETAIL_HEDGING:
        return _not_sent(
            "the account nets positions of one symbol: this version opens on hedging accounts only"
        )
    if latch is not None:
        sentence = f"the account is halted ({latch[1]}); this version cannot lift a halt"
        return _not_sent(sentence, denial=DenialReason.HALTED)
    if look.permit.journal_id not in (None, journal_id):
        return _not_sent("the ledger knows this account with another journal: a named person must rebind it")
    skew_ms = abs((look.arrived_at - look.permit.sent_at).total_seconds()) * 1000
    if skew_ms > CLOCK_SKEW_MS_MAX:
        sentence = (
            f"the bridge's clock and the ledger's are {skew_ms:.0f} ms apart, at most {CLOCK_SKEW_MS_MAX}"
        )
        return _not_sent(sentence, retry=Retry.AFTER_DELAY)
    return None


def refusal_of_market(
    order: OpenOrder, quote: Quote | None, settings: TerminalSettings, now: datetime
) -> Outcome | None:
    """Why the market is not fit for this open: no quote, a stale one, or a price outside the tolerance."""
    if quote is None:
        return _stale(f"{order.symbol} has no quote")
    age_s = Decimal(str(round(quote.age_s(now), 3)))
    if not -QUOTE_AHEAD_S_MAX <= age_s <= settings.quote_age_s_max:
        return _stale(
            f"the quote of {order.symbol} is {age_s} s old, allowed are {settings.quote_age_s_max} s"
        )
    if order.entry is not Entry.MARKET or order.price is None or order.tolerance is None:
        return None
    price = quote.entry_price(order.side)
    worse_by = price - order.price if order.side is Side.BUY else order.price - price
    if worse_by <= order.tolerance:
        return None
    sentence = (
        f"{order.symbol} is at {price}, {worse_by} worse than {order.price}; allowed is {order.tolerance}"
    )
    return _not_sent(sentence, retry=Retry.AFTER_REPRICE, denial=DenialReason.PRICE_MOVED)


def switches_off(account: AccountRow, terminal: TerminalRow) -> tuple[str, ...]:
    """Each switch that prevents trading, by name, with where to find it."""
    switches = (
        (terminal.trade_allowed, "algo trading is off: press 'Algo Trading' in the terminal's toolbar"),
        (
            not terminal.tradeapi_disabled,
            "trading by Python is off: untick 'Disable algo trading via external Python API' in its Options",
        ),
        (
            account.trade_allowed,
            "the account may not trade: log in with the master password, not the investor's",
        ),
        (account.trade_expert, "the broker forbids algo trading on this account: ask the broker"),
    )
    return tuple(sentence for on, sentence in switches if not on)


def _stale(sentence: str) -> Outcome:
    return _not_sent(sentence, retry=Retry.AFTER_DELAY, denial=DenialReason.QUOTE_STALE)


def _not_sent(sentence: str, *, retry: Retry = Retry.NEVER, denial: DenialReason | None = None) -> Outcome:
    return Outcome(state=OrderState.NOT_SENT, sentence=f"not sent: {sentence}", retry=retry, denial=denial)
