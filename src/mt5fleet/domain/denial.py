"""Why the fleet itself refused an order; the documented table is generated from this enum."""

from dataclasses import dataclass
from enum import StrEnum


class DenialReason(StrEnum):
    """One reason; the value is what producers, events and metrics show."""

    SIGNATURE_INVALID = "signature_invalid"  # the signature does not fit the message or the key is not known
    KEY_REVOKED = "key_revoked"  # the producer's key was revoked or has run out
    SCHEMA_INVALID = "schema_invalid"  # a field is missing, unknown or malformed
    RIGHT_MISSING = "right_missing"  # the producer may not use this account, symbol, verb or volume
    RATE_EXCEEDED = "rate_exceeded"  # the producer sent more signals than its rate allows
    NOT_YET_VALID = "not_yet_valid"  # created_at lies in the future beyond the allowed skew
    TTL_TOO_LONG = "ttl_too_long"  # valid_until lies further ahead than the fleet accepts
    TARGET_UNKNOWN = "target_unknown"  # an account or group of this name does not exist
    TARGETS_EMPTY = "targets_empty"  # the groups named hold no account
    OPENING_UNKNOWN = "opening_unknown"  # the signal to close, modify or cancel is not known
    SHADOW = "shadow"  # the account checks and records everything and sends nothing
    DISABLED = "disabled"  # the account is switched off
    HALTED = "halted"  # the account's trading state is HALTED
    REDUCING = "reducing"  # the account may only reduce risk now
    MODE_MISMATCH = "mode_mismatch"  # the terminal reports another mode than configured, or none
    READING_STALE = "reading_stale"  # equity and balance are missing, invalid or too old
    MEMORY_MISSING = "memory_missing"  # the guards' memory of this account is gone and not rebuilt
    STOP_LOSS_MISSING = "stop_loss_missing"  # a stop-loss is mandatory on this account
    STOP_LOSS_INVALID = "stop_loss_invalid"  # the stop is on the wrong side of the market or too near
    TAKE_PROFIT_INVALID = "take_profit_invalid"  # the target is on the wrong side of the market or too near
    SYMBOL_UNKNOWN = "symbol_unknown"  # the terminal does not know the symbol
    SYMBOL_CLOSED = "symbol_closed"  # the broker does not allow this side of the symbol now
    VOLUME_BELOW_MIN = "volume_below_min"  # the sized volume is below the smallest lot
    VOLUME_ABOVE_MAX = "volume_above_max"  # the volume is above the broker's or the account's limit
    PART_MERGED = "part_merged"  # the part was below the smallest lot and its volume went to another part
    SIZE_UNKNOWN = "size_unknown"  # the size rule lacks a number (no stop for risk percent, no base lots)
    PRICE_INVALID = "price_invalid"  # the price is off the tick or on the wrong side for a resting order
    PRICE_MOVED = "price_moved"  # the market is further from the signal's price than the tolerance
    SPREAD_TOO_WIDE = "spread_too_wide"  # the spread is above the account's limit
    QUOTE_STALE = "quote_stale"  # the last quote is too old
    POSITIONS_MAX = "positions_max"  # the account holds its largest number of positions and resting orders
    MARGIN_TOO_SMALL = "margin_too_small"  # the margin left after the order would be too small
    ATTEMPTS_SPENT = "attempts_spent"  # every allowed attempt ended without execution
    POISON = "poison"  # owners ended three times while they held it, before anything was sent
    LATCH_UNCONFIRMED = "latch_unconfirmed"  # the guard state could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A refusal: the reason, and the numbers it was decided on (name -> text), for people and events."""

    reason: DenialReason
    numbers: dict[str, str]

    @property
    def sentence(self) -> str:
        """The reason with its numbers, for a person."""
        shown = " ".join(f"{name}={value}" for name, value in self.numbers.items())
        return f"denied: {self.reason}" + (f" ({shown})" if shown else "")
