"""The market a broker runs: symbols, quotes, money, books and clock in one place for its parts."""

from dataclasses import dataclass

from mt5fleet.simulator.accounts.books import Books
from mt5fleet.simulator.accounts.money import Money
from mt5fleet.simulator.accounts.valuation import Valuation
from mt5fleet.simulator.clock import Clock
from mt5fleet.simulator.instruments.sessions import is_open
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.server_time import ServerTime
from mt5fleet.simulator.terms.account import AccountTerms

MS_PER_S = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Shared by checks, execution and triggers; only the books and the board change."""

    specs: dict[str, SymbolSpec]
    board: QuoteBoard
    money: Money
    valuation: Valuation
    books: Books
    terms: dict[int, AccountTerms]
    clock: Clock
    server_time: ServerTime
    comment_max: int
    comment_suffix: str = ""
    seed: int = 1

    def server_ms(self) -> int:
        """Return the server's wall clock, written as if it were UTC."""
        return self.server_time.server_ms(self.clock.now_ms())

    def server_s(self) -> int:
        return self.server_ms() // MS_PER_S

    def is_open(self, symbol: str, server_ms: int) -> bool:
        """Tell whether the symbol trades at a stamp of the server; a shifted clock shifts no session."""
        return is_open(self.specs[symbol], server_ms - self.server_time.shift_ms)

    def quote(self, symbol: str) -> Quote | None:
        return self.board.get(symbol)

    def comment(self, text: str) -> str:
        """Return a client's comment as this broker keeps it: a word of its own appended, then cut."""
        return (text + self.comment_suffix)[: self.comment_max]

    def own_comment(self, text: str) -> str:
        """Cut the broker's own comment to what it keeps."""
        return text[: self.comment_max]
