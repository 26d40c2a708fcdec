"""How keys of producers and people begin, end and are shown: one way for both."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from mt5fleet.cli.output import refuse
from mt5fleet.domain.account import ProducerKey
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.person import PersonKey

KEEP_DAYS_MAX = 90  # an old key that is good for longer is no rotation
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,55}")  # room for "-" and the key's number in 64 characters
_DURATION = re.compile(r"([0-9]{1,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Key = TypeVar("Key", ProducerKey, PersonKey)


def check_name(kind: str, name: str) -> None:
    """End the command when nobody may be called that."""
    if _NAME.fullmatch(name) is None:
        refuse(f"{kind} {name}: needs letters, digits, '.', '_' and '-', at most 56")


def next_id(name: str, taken: Iterable[str]) -> str:
    """The first `NAME-number` that no key has yet."""
    known = set(taken)
    return next(
        candidate for number in range(1, len(known) + 2) if (candidate := f"{name}-{number}") not in known
    )


def kept_for(text: str) -> timedelta:
    """How long `--keep-old` says; raises InvalidValue."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidValue("--keep-old", "must be a number with s, m, h or d, such as 24h")
    kept = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if kept > timedelta(days=KEEP_DAYS_MAX):
        raise InvalidValue("--keep-old", f"must be at most {KEEP_DAYS_MAX}d")
    return kept


def ending(keys: tuple[Key, ...], until: datetime) -> tuple[Key, ...]:
    """The keys, none of them good for longer than until then."""
    return tuple(replace(key, valid_until=earlier(key.valid_until, until)) for key in keys)


def revoked(keys: tuple[Key, ...], key_id: str | None, owner: str, now: datetime) -> tuple[Key, ...]:
    """The keys with one of them refused from now on, or all; ends the command for an unknown one."""
    known = [key.key_id for key in keys]
    if key_id is not None and key_id not in known:
        refuse(f"key {key_id}: is not one of {owner}. Known: {', '.join(known) or 'none'}")
    return tuple(
        replace(key, revoked_at=earlier(key.revoked_at, now)) if key_id in {None, key.key_id} else key
        for key in keys
    )


def kept_alike(one: tuple[Key, ...], other: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys of both sides, each as short-lived as either says: no old copy brings a revoked key back."""
    keys = {key.key_id: key for key in one}
    for key in other:
        keys[key.key_id] = _shorter(keys[key.key_id], key) if key.key_id in keys else key
    return tuple(keys.values())


def goodness(key: ProducerKey | PersonKey, now: datetime) -> str:
    """Whether the key is good, and until when."""
    if key.revoked_at is not None:
        return "revoked"
    if key.valid_until is None:
        return "yes"
    return f"until {key.valid_until:%Y-%m-%d %H:%M}" if now < key.valid_until else "no longer"


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The first of two moments; None stands for never."""
    moments = [moment for moment in (one, other) if moment is not None]
    return min(moments) if moments else None


def _shorter(one: Key, other: Key) -> Key:
    return replace(
        one,
        valid_until=earlier(one.valid_until, other.valid_until),
        revoked_at=earlier(one.revoked_at, other.revoked_at),
    )
