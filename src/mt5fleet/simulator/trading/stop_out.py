"""When an account has too little money for its positions, and which of them goes first.

Sources: MetaTrader 5 Help, "Stop Out"; MQL5 Reference, "Account Properties" (ACCOUNT_MARGIN_SO_MODE); the
brokers' usual order: the position with the largest loss is closed first, one by one, until the level is met.
"""

from decimal import Decimal

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import Position
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms, LevelMode


def is_margin_call(worth: Worth, terms: AccountTerms) -> bool:
    """Tell whether the account has come to its margin call: a warning, nothing is closed."""
    return is_below(worth, terms.margin_call_level, terms.stop_out_mode)


def is_stop_out(worth: Worth, terms: AccountTerms) -> bool:
    """Tell whether the server closes positions of the account."""
    return is_below(worth, terms.stop_out_level, terms.stop_out_mode)


def is_below(worth: Worth, level: Decimal, mode: LevelMode) -> bool:
    """Compare an account with a level: equity in percent of margin, or free margin as money.

    A fully hedged account may have no margin and hence no percentage; it ends with its equity.
    """
    if mode is LevelMode.MONEY:
        return worth.margin_free < level
    if not worth.margin:
        return worth.equity <= 0
    return worth.equity * 100 < level * worth.margin


def stop_out_victim(market: Market, book: AccountBook, server_ms: int) -> tuple[Position, Worth] | None:
    """Return the position with the largest loss when the account is below its stop-out level.

    A position whose symbol is out of session cannot be closed and is passed over. An account that cannot be
    valued for want of a quote is left alone.
    """
    if not book.positions:
        return None
    terms = market.terms[book.login]
    try:
        worth = market.valuation.worth(book, terms)
        if not is_stop_out(worth, terms):
            return None
        floating = {
            ticket: market.valuation.floating(position, terms)
            for ticket, position in book.positions.items()
            if market.is_open(position.symbol, server_ms)
        }
    except NoRateError:
        return None
    if not floating:
        return None
    worst = min(floating, key=lambda ticket: (floating[ticket], ticket))
    return book.positions[worst], worth
