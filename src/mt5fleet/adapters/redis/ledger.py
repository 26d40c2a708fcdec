"""The ledger on Redis or Valkey: every part over one client; the server's clock decides."""

from datetime import datetime

from mt5fleet.adapters.redis.connection import client_of
from mt5fleet.adapters.redis.guard_book import RedisGuardBook
from mt5fleet.adapters.redis.inbox import RedisInbox
from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.outbox import RedisOutbox
from mt5fleet.adapters.redis.registry import RedisRegistry
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.adapters.redis.signal_log import RedisSignalLog
from mt5fleet.adapters.redis.story import RedisStory


class RedisLedger(RedisSignalLog, RedisInbox, RedisGuardBook, RedisOutbox, RedisRegistry, RedisStory):
    """The whole ledger. Safe for many threads: the client's pool gives each call a connection."""

    def now(self) -> datetime:
        seconds, micros = self._store.ask(self._store.client.time)
        return from_us(int(seconds) * 1_000_000 + int(micros))

    def close(self) -> None:
        """Give the connections back; the ledger is not used after that."""
        self._store.client.close()


def connect(url: str, settings: LedgerSettings | None = None, *, ca_file: str | None = None) -> RedisLedger:
    """The ledger behind a URL; nothing is sent yet.

    Raises:
        ValueError: the URL is not one of Redis, or asks for TLS without verification.
    """
    return RedisLedger(client_of(url, ca_file=ca_file), settings)
