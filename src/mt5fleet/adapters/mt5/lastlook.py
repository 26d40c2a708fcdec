"""The last look before a send: what must be true at that moment, whatever was checked before.

Source: the project's design, section 5 "Write-ahead" and section 6. Opens need everything; what only reduces
risk needs the right account, the switches and the time.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.adapters.mt5.codes import MarginCode
from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.conversions import mode_of
from mt5fleet.adapters.mt5.retcodes import PYTHON_OFF
from mt5fleet.adapters.mt5.settings import CLOCK_SKEW_MS_MAX, TerminalSettings
from mt5fleet.adapters.mt5.shapes import AccountRow, TerminalRow
from mt5fleet.domain.broker import Mode, Quote
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.latch import Binding, Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry, Side

QUOTE_AHEAD_S_MAX = 5  # a quote further in the future means a wrong clock or offset
_ACCOUNT_OFF = (
    "the account may not trade: log in with the master password, not the investor's, or ask the broker"
    " whether the account is disabled"
)
_REBIND = "a named person must bind the account again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the bridge sees just before a send."""

    settings: TerminalSettings
    account: AccountRow
    terminal: TerminalRow
    permit: Permit
    now: datetime


def refusal_of_any(look: Look) -> Outcome | None:
    """Why nothing at all may leave for this account; None when reducing risk may go on."""
    if look.settings.shadow:
        return not_sent("the account is a shadow: it records and sends nothing", denial=DenialReason.SHADOW)
    if look.now > look.permit.not_after:
        return not_sent("the time for this attempt is over", retry=Retry.AFTER_DELAY)
    off = (*terminal_switches_off(look.terminal), *account_switches_off(look.account))
    return not_sent("; ".join(off), retry=Retry.AFTER_DELAY) if off else None


def refusal_of_mode(look: Look) -> Outcome | None:
    """Why only what reduces risk may leave: the money behind the account is not of the configured kind."""
    wrong = mode_wrong(look.settings, look.account)
    return None if wrong is None else not_sent(wrong, denial=DenialReason.MODE_MISMATCH)


def refusal_of_open(
    look: Look, context: CallContext, *, binding: Binding, latch: Latch | None
) -> Outcome | None:
    """Why no open may leave; None when only the market remains to be looked at."""
    nets = margin_mode_wrong(look.account)
    if nets is not None:
        return not_sent(nets)
    if latch is not None:
        return halted(latch.reason)
    return (
        _refusal_of_journal(look.permit, binding)
        or _refusal_of_silence(look.settings, context)
        or _refusal_of_skew(look.permit, context)
    )


def halted(reason: str) -> Outcome:
    """The refusal of an open under a latch."""
    lifted_by = "only a named person lifts that, with `mt5fleet accounts resume`"
    return not_sent(f"the account is halted ({reason}); {lifted_by}", denial=DenialReason.HALTED)


def mode_wrong(settings: TerminalSettings, account: AccountRow) -> str | None:
    """A sentence when the account's money is not what the settings say, or real and not allowed."""
    mode = mode_of(account.trade_mode)
    if mode is not settings.mode:
        return f"the terminal reports mode {mode or 'unknown'}, configured is {settings.mode}"
    if mode is Mode.REAL and not settings.allow_real:
        return (
            "mode = real is refused: set allow_real = true for this account in the bridge's file"
            " and apply it with `mt5fleet accounts apply --allow-real`"
        )
    return None


def margin_mode_wrong(account: AccountRow) -> str | None:
    """A sentence when the account holds positions in a way that this version does not open in."""
    if account.margin_mode == MarginCode.RETAIL_HEDGING:
        return None
    return "the account nets positions of one symbol: this version opens on hedging accounts only"


def _refusal_of_journal(permit: Permit, binding: Binding) -> Outcome | None:
    if permit.journal_id is None:
        sentence = "the ledger has not bound this account to a journal of the bridge yet"
        return not_sent(sentence, retry=Retry.AFTER_DELAY)
    if permit.journal_id != binding.journal_id:
        return not_sent(f"the ledger knows this account with another journal: {_REBIND}")
    if permit.journal_sequence > binding.sequence:
        return not_sent(f"the bridge's journal is an older copy of the one the ledger knows: {_REBIND}")
    return None


def _refusal_of_silence(settings: TerminalSettings, context: CallContext) -> Outcome | None:
    age_s = context.ledger_age_s
    if age_s is not None and age_s <= settings.ledger_silence_s:
        return None
    since = "since it started" if age_s is None else f"for {age_s:.1f} s"
    sentence = f"the bridge has not heard of the ledger {since}, allowed are {settings.ledger_silence_s} s"
    return not_sent(sentence, retry=Retry.AFTER_DELAY)


def _refusal_of_skew(permit: Permit, context: CallContext) -> Outcome | None:
    skew_ms = abs((context.arrived_at - permit.sent_at).total_seconds()) * 1000
    if skew_ms <= CLOCK_SKEW_MS_MAX:
        return None
    sentence = f"the bridge's clock and the ledger's are {skew_ms:.0f} ms apart, at most {CLOCK_SKEW_MS_MAX}"
    return not_sent(sentence, retry=Retry.AFTER_DELAY)


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
    return not_sent(sentence, retry=Retry.AFTER_REPRICE, denial=DenialReason.PRICE_MOVED)


def terminal_switches_off(terminal: TerminalRow) -> tuple[str, ...]:
    """Each switch of the terminal that prevents trading, by name, with where to find it."""
    switches = (
        (terminal.trade_allowed, "algo trading is off: press 'Algo Trading' in the terminal's toolbar"),
        (
            not terminal.tradeapi_disabled,
            PYTHON_OFF,
        ),
    )
    return tuple(sentence for on, sentence in switches if not on)


def account_switches_off(account: AccountRow) -> tuple[str, ...]:
    """Each switch of the account that prevents trading, with who can change it."""
    switches = (
        (
            account.trade_allowed,
            _ACCOUNT_OFF,
        ),
        (account.trade_expert, "the broker forbids algo trading on this account: ask the broker"),
    )
    return tuple(sentence for on, sentence in switches if not on)


def _stale(sentence: str) -> Outcome:
    return not_sent(sentence, retry=Retry.AFTER_DELAY, denial=DenialReason.QUOTE_STALE)


def not_sent(sentence: str, *, retry: Retry = Retry.NEVER, denial: DenialReason | None = None) -> Outcome:
    """Nothing left, and why."""
    return Outcome(state=OrderState.NOT_SENT, sentence=f"not sent: {sentence}", retry=retry, denial=denial)
