"""Asking the store how safe a write is. What it cannot promise is said, never assumed."""

from enum import StrEnum
from typing import Protocol

import redis

from mt5fleet.domain.errors import LedgerUnavailable

WAIT_MS_MAX = 2_000  # an append-only file synced every second answers within that second
_MARK = "mt5fleet:durable-mark"
_MARK_KEEP_MS = 60_000
_SOCKET_TIMEOUT_S = WAIT_MS_MAX / 1000 + 3


class Durability(StrEnum):
    """What is known about a recorded signal."""

    RECORDED = "recorded"  # the server has it; what a crash of its host can lose depends on its settings
    FSYNCED = "fsynced"  # on the server's disk
    REPLICATED = "replicated"  # a replica has it
    UNCONFIRMED = "unconfirmed"  # recorded, but the server confirmed neither disk nor replica


class Confirms(Protocol):
    """Waits until what was written before is safe."""

    def confirm(self) -> Durability:
        """Best promise the store gives for everything written before this call. Raises LedgerUnavailable."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class RedisConfirms:
    """WAITAOF where the server has it and keeps an append-only file, else WAIT for a replica.

    Both speak of the writes of their own connection. A mark is written first: whatever other connections
    wrote before it comes earlier in the same file and the same replication stream.
    """

    def __init__(self, redis_url: str) -> None:
        self._store = redis.Redis.from_url(
            redis_url, socket_timeout=_SOCKET_TIMEOUT_S, single_connection_client=True
        )

    def confirm(self) -> Durability:
        """See Confirms."""
        try:
            self._store.set(_MARK, "1", px=_MARK_KEEP_MS)
            return self._fsynced() or self._replicated() or Durability.UNCONFIRMED
        except redis.RedisError as error:
            raise LedgerUnavailable(
                f"the ledger did not confirm the write ({type(error).__name__})"
            ) from None

    def close(self) -> None:
        """See Confirms."""
        self._store.close()

    def _fsynced(self) -> Durability | None:
        try:
            local, _ = self._store.waitaof(1, 0, WAIT_MS_MAX)
        except redis.ResponseError:  # before Redis 7.2, or without append-only file
            return None
        return Durability.FSYNCED if local >= 1 else None

    def _replicated(self) -> Durability | None:
        replicas = self._store.info("replication").get("connected_slaves", 0)
        if replicas < 1:
            return None
        return Durability.REPLICATED if self._store.wait(1, WAIT_MS_MAX) >= 1 else None
