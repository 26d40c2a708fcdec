"""Ledgers under test, each with a clock that the test steps, and ways to bring about what the port cannot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import fakeredis
import redis

from mt5fleet.adapters.redis.ledger import RedisLedger
from mt5fleet.adapters.redis.microtime import to_us
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.ports.ledger import Ledger
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_ledger import MemoryLedger

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_CLOCK_KEY = "test-clock-us"
STEPPED_CLOCK = f"local function now_us() return tonumber(redis.call('GET', '{_CLOCK_KEY}')) end"


class Rig(Protocol):
    """One ledger and the world around it."""

    ledger: Ledger

    def advance_ms(self, ms: int) -> None: ...
    def back_ms(self, ms: int) -> None: ...
    def wipe(self) -> None: ...
    def restart(self) -> None: ...
    def set_state(self, account: str, key: str, state: OrderState) -> None: ...
    def set_reducing(self, account: str) -> None: ...
    def set_full(self, percent: int) -> None: ...


class MemoryRig:
    """The ledger in memory."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.ledger = MemoryLedger(self.clock)

    def advance_ms(self, ms: int) -> None:
        self.clock.advance_s(ms / 1_000)

    def back_ms(self, ms: int) -> None:
        self.clock.advance_s(-ms / 1_000)

    def wipe(self) -> None:
        self.ledger.wipe()

    def restart(self) -> None:
        self.ledger.restart()

    def set_state(self, account: str, key: str, state: OrderState) -> None:
        order = self.ledger._account(account).orders[key]
        order.command = replace(order.command, state=state)

    def set_reducing(self, account: str) -> None:
        self.ledger._account(account).guard.reducing = True

    def set_full(self, percent: int) -> None:
        self.ledger.memory_percent = percent


class RedisRig:
    """The ledger on a server whose scripts read a clock of ours; the test states run id and memory in use."""

    def __init__(self, client: redis.Redis, settings: LedgerSettings) -> None:
        self.client = client
        self.run = 1
        self.percent = 10
        self.now_us = to_us(START)
        self.base = settings.prefix
        client.info = self._told_by_server
        client.flushall()
        self._set_clock()
        self.ledger = RedisLedger(client, replace(settings, epoch_check_s=1e-9), clock_lua=STEPPED_CLOCK)

    def _told_by_server(self, section: str) -> dict[str, Any]:
        told = {
            "server": {"run_id": f"run-{self.run}"},
            "memory": {"maxmemory": 100, "used_memory": self.percent},
        }
        return told[section]

    def _set_clock(self) -> None:
        self.client.set(_CLOCK_KEY, self.now_us)

    def advance_ms(self, ms: int) -> None:
        self.now_us += ms * 1_000
        self._set_clock()

    def back_ms(self, ms: int) -> None:
        self.advance_ms(-ms)

    def wipe(self) -> None:
        self.client.flushall()
        self._set_clock()
        self.run += 1

    def restart(self) -> None:
        self.run += 1

    def set_state(self, account: str, key: str, state: OrderState) -> None:
        self.client.hset(f"{self.base}{{acc:{account}}}:order:{key}", "state", state.value)

    def set_reducing(self, account: str) -> None:
        self.client.hset(f"{self.base}{{acc:{account}}}:guard", "reducing", 1)

    def set_full(self, percent: int) -> None:
        self.percent = percent


def fake_rig() -> RedisRig:
    """fakeredis with Lua, as far as it goes.

    It does not know script flags (`#!lua flags=`), so they are switched off here; nor INFO, whose answers the
    rig states on every server; nor refusals for want of memory, restarts and append-only files, which only
    `test_real_server.py` asks for.
    """
    client = fakeredis.FakeRedis(decode_responses=True, server=fakeredis.FakeServer(), version=(7,))
    return RedisRig(client, LedgerSettings(script_flags=False))


def later(seconds: float) -> datetime:
    """A moment after every rig's start."""
    return START + timedelta(seconds=seconds)
