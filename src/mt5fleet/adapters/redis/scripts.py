"""The Lua scripts as they are sent: constants of settings and state table, shared ground, own text."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mt5fleet.adapters.redis import wording
from mt5fleet.adapters.redis.microtime import EPOCH_ZERO_US
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.lifecycle import FINAL, TRANSITIONS

SERVER_CLOCK = """
local function now_us()
  local at = redis.call('TIME')
  return tonumber(at[1]) * 1000000 + tonumber(at[2])
end
"""
_SHARED = ("core", "inbox_core")
_FLAGS = "#!lua"


@dataclass(frozen=True, slots=True)
class Script:
    """One script and the hash the server knows it by."""

    text: str
    sha: str


def load_scripts(settings: LedgerSettings, clock_lua: str = SERVER_CLOCK) -> dict[str, Script]:
    """Every script by name, ready to send."""
    sources = script_sources()
    ground = "\n".join((_constants(settings), clock_lua, *(sources[name] for name in _SHARED)))
    return {
        name: _script(text, ground, flags=settings.script_flags)
        for name, text in sources.items()
        if name not in _SHARED
    }


@cache
def script_sources() -> dict[str, str]:
    """Texts of the files beside this module, by name without ending."""
    folder = files("mt5fleet.adapters.redis.lua")
    return {
        item.name.removesuffix(".lua"): item.read_text(encoding="utf-8")
        for item in folder.iterdir()
        if item.name.endswith(".lua")
    }


def _script(own: str, ground: str, *, flags: bool) -> Script:
    first, _, rest = own.partition("\n")
    if not first.startswith(_FLAGS):
        raise ValueError("a script must begin with its flags: #!lua")
    text = f"{first}\n{ground}\n{rest}" if flags else f"{ground}\n{rest}"
    # The server names scripts by SHA-1; nothing secret depends on it.
    return Script(text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _constants(settings: LedgerSettings) -> str:
    moves = (f"{state}>{wanted}" for state in TRANSITIONS for wanted in sorted(TRANSITIONS[state]))
    texts = {
        "MOVES": _list(moves),
        "FINAL": _list(sorted(FINAL)),
        "CANCELED_UNSENT": wording.CANCELED_UNSENT,
    }
    numbers = {
        "EPOCH_ZERO_US": EPOCH_ZERO_US,
        "WAKE_MS": settings.wake_ms,
        "LEASE_SLACK_MS": settings.lease_slack_ms,
        "ID_KEEP_MS": settings.id_keep_ms,
        "TOMBSTONE_KEEP_MS": settings.tombstone_keep_ms,
        "RECORD_KEEP_MS": settings.record_keep_ms,
        "ORDER_KEEP_MS": settings.order_keep_ms,
        "EVENTS_MAX": settings.events_max,
        "DEAD_LETTERS_MAX": settings.dead_letters_max,
        "LEFT_MAX": settings.left_max,
        "URGENT_SCAN_MAX": settings.urgent_scan_max,
        "RESTING_MAX": settings.resting_max,
        "MEMORY_FLAG_MS": settings.memory_flag_ms,
        "OUTBOX_REBUILD_MS": settings.outbox_rebuild_ms,
    }
    lines = [f"local {name} = '{text}'" for name, text in texts.items()]
    return "\n".join(lines + [f"local {name} = {number}" for name, number in numbers.items()])


def _list(names: Iterable[str]) -> str:
    """Names between bars, as the scripts look them up."""
    return "|" + "|".join(names) + "|"
