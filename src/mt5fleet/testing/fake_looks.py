"""The fake bridge's looks at terminal, journal, ledger and market; not the real bridge's code, on purpose."""

from datetime import timedelta
from decimal import Decimal

from mt5fleet.domain.broker import Check, Health, Mode
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import Unreachable, ValueRefused
from mt5fleet.domain.order import OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry, Side
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.fake_rules import not_sent
from mt5fleet.testing.fake_standing import kept_floor

CLOCK_SKEW_MAX = timedelta(milliseconds=500)  # bridge against ledger, section 5 of the design
QUOTE_AGE_MAX = timedelta(seconds=30)  # the default of the accounts' limits
SILENCE_S_MAX = 10.0  # without a word from the ledger, section 8 of the design
MARGIN_PER_LOT = 1000  # as in the reading
INVALID_VOLUME, NO_MONEY = 10014, 10019  # return codes of a trade server


def health_of(book: FakeAccount, ledger_age_s: float | None) -> Health:
    """State of the made-up terminal and of what stands for the account."""
    away = () if book.connected else (f"the terminal of {book.name} is not connected: restart it",)
    wrong = () if _mode_wrong(book) is None else (str(_mode_wrong(book)),)
    return Health(
        connected=book.connected,
        trade_allowed=book.connected and not book.why_not,
        why_not=(*away, *book.why_not, *wrong),
        login=book.login,
        server=book.server,
        company=book.company,
        mode=book.mode,
        build=book.build,
        server_offset_s=0,
        journal_id=book.journal.id,
        newest_token=book.journal.newest_token(),
        bridge_at=book.clock.now(),
        version="fake",
        journal_sequence=book.journal.sequence,
        journal_writable=book.journal.writable,
        latch=book.journal.latch(),
        lifted_sequence=book.journal.lifted_sequence(),
        floor=kept_floor(book.journal),
        ledger_age_s=ledger_age_s,
        shadow=book.shadow,
    )


def refusal_of_any(book: FakeAccount, permit: Permit) -> Outcome | None:
    """Why nothing may leave; None when what reduces risk may."""
    if book.shadow:
        return not_sent("the account is a shadow", Retry.NEVER, denial=DenialReason.SHADOW)
    if book.clock.now() > permit.not_after:
        return not_sent("the time for this attempt is over", Retry.AFTER_DELAY)
    return not_sent(book.why_not[0], Retry.AFTER_DELAY) if book.why_not else None


def refusal_of_mode(book: FakeAccount) -> Outcome | None:
    """Why only what reduces risk may leave."""
    wrong = _mode_wrong(book)
    return None if wrong is None else not_sent(wrong, Retry.NEVER, denial=DenialReason.MODE_MISMATCH)


def refusal_of_open(book: FakeAccount, permit: Permit, ledger_age_s: float | None) -> Outcome | None:
    """Why an open must not leave now, whatever the market; None when it may."""
    latch, journal = book.journal.latch(), book.journal
    if latch is not None:
        return halted(latch.reason)
    if permit.journal_id is None:
        return not_sent("the account is not bound to a journal yet", Retry.AFTER_DELAY)
    if permit.journal_id != journal.id or permit.journal_sequence > journal.sequence:
        return not_sent("the ledger knows another journal, or a newer copy", Retry.NEVER)
    if ledger_age_s is None or ledger_age_s > SILENCE_S_MAX:
        return not_sent("the bridge has not heard of the ledger lately", Retry.AFTER_DELAY)
    if abs(book.clock.now() - permit.sent_at) > CLOCK_SKEW_MAX:
        return not_sent("the clocks of bridge and ledger differ", Retry.AFTER_DELAY)
    return None


def refusal_of_market(book: FakeAccount, order: OpenOrder) -> Outcome | None:
    """Why the market is not fit for this open."""
    quote = book.quote(order.symbol)
    if quote is None or book.clock.now() - quote.at > QUOTE_AGE_MAX:
        return not_sent("there is no fresh quote", Retry.AFTER_DELAY, denial=DenialReason.QUOTE_STALE)
    if order.entry is not Entry.MARKET or order.price is None or order.tolerance is None:
        return None
    now = quote.entry_price(order.side)
    worse_by = now - order.price if order.side is Side.BUY else order.price - now
    if worse_by <= order.tolerance:
        return None
    sentence = f"{order.symbol} is {worse_by} worse than {order.price}, allowed is {order.tolerance}"
    return not_sent(sentence, Retry.AFTER_REPRICE, denial=DenialReason.PRICE_MOVED)


def halted(reason: str) -> Outcome:
    """The refusal of an open under a latch."""
    return not_sent(f"the account is halted ({reason})", Retry.NEVER, denial=DenialReason.HALTED)


def dry_run(book: FakeAccount, order: OpenOrder) -> Check:
    """What the made-up broker would say."""
    rules = book.instruments.get(order.symbol)
    if rules is None:
        raise ValueRefused("order.symbol", "is not known to the terminal")
    if book.quote(order.symbol) is None:
        raise Unreachable(f"the terminal of {book.name} has no price of {order.symbol}")
    reading = book.reading()
    margin = reading.margin + order.volume * MARGIN_PER_LOT
    free = reading.equity - margin
    fits = rules.volume_min <= order.volume <= rules.volume_max and order.volume % rules.volume_step == 0
    retcode = (0 if free >= 0 else NO_MONEY) if fits else INVALID_VOLUME
    return _said(retcode, margin, free)


def _said(retcode: int, margin: Decimal, free: Decimal) -> Check:
    said = {0: "the dry run passed", NO_MONEY: "the free margin is too small"}
    return Check(
        passed=retcode == 0,
        retcode=retcode,
        sentence=said.get(retcode, "the volume is not allowed"),
        margin=margin,
        margin_free=free,
    )


def _mode_wrong(book: FakeAccount) -> str | None:
    if book.mode is not book.configured_mode:
        return f"the terminal reports {book.mode}, configured is {book.configured_mode}"
    if book.mode is Mode.REAL and not book.allow_real:
        return "mode = real is refused: set allow_real = true"
    return None
