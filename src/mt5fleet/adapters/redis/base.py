"""Shared ground of the ledger's parts: the store, and the index of outboxes."""

import itertools
import secrets
import time
from collections.abc import Callable

import redis

from mt5fleet.adapters.redis.scripts import SERVER_CLOCK
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.adapters.redis.store import Store
from mt5fleet.domain.record import Alert


class Part:
    """One store, shared by all parts of the ledger."""

    def __init__(
        self,
        client: redis.Redis,
        settings: LedgerSettings | None = None,
        *,
        clock_lua: str = SERVER_CLOCK,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a client that decodes answers; nothing is sent yet.

        `monotonic_s` only spaces the looks at the server's run id; every other time is the server's.
        """
        self._monotonic_s = monotonic_s
        self._settings = LedgerSettings() if settings is None else settings
        self._store = Store(client, self._settings, clock_lua=clock_lua)
        self._keys = self._store.keys
        # Tells a repeated acquire of one call from another's; it decides nothing else.
        self._process = secrets.token_hex(8)
        self._calls = itertools.count()

    def _nonce(self) -> str:
        return f"{self._process}.{next(self._calls)}"

    def _note_outbox(self, tag: str, alert: Alert | None) -> None:
        """Name an outbox in the index before the alert is written, so that a crash in between loses none."""
        if alert is not None:
            self._store.run("note_outbox", self._keys.fleet, tag)
