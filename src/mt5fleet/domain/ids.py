"""The key of an order: the same broker account, signal and part always give the same key, magic and comment.

Source: the project's design, section 5 "The key, and asking first".
"""

import hashlib
from dataclasses import dataclass

MAGIC_MARK = 1 << 52  # bit 52 marks our orders; 53 bits survive JSON and JavaScript numbers
COMMENT_CHARS_MAX = 29  # longer comments are refused by the MetaTrader5 module
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """Identity of one order.

    `text` is 64 hex digits, `magic` and `comment` are what the broker keeps of it.
    """

    text: str
    magic: int
    comment: str


def order_key(server: str, login: int, signal_id: str, part: int) -> OrderKey:
    """Derive the key of `part` of a signal on the account (broker server, login)."""
    content = _SEPARATOR.join(("mt5fleet-order-1", server, str(login), signal_id, str(part)))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return OrderKey(text=digest, magic=magic_of(digest), comment=_comment(signal_id, part))


def magic_of(key_text: str) -> int:
    """The 53-bit number with bit 52 set that stands in `magic` for this key."""
    return MAGIC_MARK | (int(key_text[:13], 16) & (MAGIC_MARK - 1))


def is_ours(magic: int) -> bool:
    """Whether a magic number lies in the range that only the fleet uses."""
    return MAGIC_MARK <= magic < 2 * MAGIC_MARK


def _comment(signal_id: str, part: int) -> str:
    readable = "".join(c for c in signal_id if c.isascii() and (c.isalnum() or c in "-_"))
    return f"mf.{readable[-20:]}.{part}"
