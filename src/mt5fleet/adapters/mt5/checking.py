"""The broker's dry run of an open: it sends nothing, and promises nothing about a later send.

Source: MQL5 reference "OrderCheck": 0 means that it passed, every other code names what does not fit.
"""

from math import isfinite

from mt5fleet.adapters.mt5.conversions import quote_of, rounded
from mt5fleet.adapters.mt5.opening import open_request
from mt5fleet.adapters.mt5.retcodes import meaning, meaning_of_silence
from mt5fleet.adapters.mt5.sending import with_words
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import CheckRow
from mt5fleet.domain.broker import Check
from mt5fleet.domain.errors import Unreachable, ValueRefused
from mt5fleet.domain.order import TEXT_CHARS_MAX, OpenOrder

PASSED = 0


def check(session: Session, order: OpenOrder) -> Check:
    """Ask for a dry run; raises ValueRefused for an unknown symbol, Unreachable when there is no answer."""
    account = session.account()
    session.terminal()
    rules, tick = session.symbol(order.symbol), session.tick(order.symbol)
    if rules is None:
        raise ValueRefused("order.symbol", "is not known to the terminal")
    if tick is None:
        raise Unreachable(f"the terminal has no price of {order.symbol}")
    quote = quote_of(order.symbol, tick, session.scale(order.symbol), session.offset_or_zero_s())
    row = session.module.order_check(open_request(session, order, rules, quote))
    return _unchecked(session) if row is None else _check_of(row, account.currency_digits)


def _unchecked(session: Session) -> Check:
    code, text = session.module.last_error()
    said = meaning_of_silence(code, text).sentence
    raise Unreachable(f"the order was not checked: {said} ({code}: {text})")


def _check_of(row: CheckRow, digits: int) -> Check:
    if not (isfinite(row.margin) and isfinite(row.margin_free)):
        raise Unreachable("the terminal's check shows a margin that is not a number")
    passed = row.retcode == PASSED
    sentence = "the dry run passed" if passed else with_words(meaning(row.retcode).sentence, row.comment)
    return Check(
        passed=passed,
        retcode=row.retcode,
        sentence=sentence[:TEXT_CHARS_MAX],
        margin=rounded(row.margin, digits),
        margin_free=rounded(row.margin_free, digits),
    )
