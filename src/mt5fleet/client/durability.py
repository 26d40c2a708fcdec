"""Asking the store how safe a write is. What it cannot promise is said, never assumed."""

from enum import StrEnum
from typing import Protocol

import redis

from mt5fleet.adapters.redis.connection import client_of
from mt5fleet.domain.errors import LedgerUnavailable

WAIT_MS_MAX = 2_000  # an append-only file synced every second answers within that second
_MARK = "mt5fleet:durable-mark"
_MARK_KEEP_MS = 60_000
_ANSWER_S = 3  # for the answer itself, after the wait


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

    Both speak of the writes of their own connection, so a mark is written first, in the same batch: whatever
    other connections wrote before comes earlier in the same file and the same replication stream.
    """

    def __init__(self, redis_url: str) -> None:
        """Take the ledger's address; nothing is sent yet. Raises ValueError for an unsafe one."""
        self._store = client_of(redis_url, answer_s=WAIT_MS_MAX / 1000 + _ANSWER_S)

    def confirm(self) -> Durability:
        """See Confirms."""
        try:
            return self._fsynced() or self._replicated() or Durability.UNCONFIRMED
        except redis.RedisError as error:
            raise LedgerUnavailable(
                f"the ledger did not confirm the write ({type(error).__name__})"
            ) from None

    def close(self) -> None:
        """See Confirms."""
        self._store.close()

    def _fsynced(self) -> Durability | None:
        answer = self._after_mark("WAITAOF", 1, 0, WAIT_MS_MAX)
        if isinstance(answer, list):
            return Durability.FSYNCED if int(answer[0]) >= 1 else None
        return None  # an error: before Redis 7.2, or without append-only file

    def _replicated(self) -> Durability | None:
        if int(self._store.info("replication").get("connected_slaves", 0)) < 1:
            return None  # WAIT would block for its whole time
        answer = self._after_mark("WAIT", 1, WAIT_MS_MAX)
        return Durability.REPLICATED if isinstance(answer, int) and answer >= 1 else None

    def _after_mark(self, *command: str | int) -> object:
        """Answer or error of a command sent behind a mark on one connection."""
        with self._store.pipeline(transaction=False) as pipe:
            pipe.set(_MARK, "1", px=_MARK_KEEP_MS)
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            marked, answer = pipe.execute(raise_on_error=False)
        if isinstance(marked, redis.RedisError):
            raise marked
        return answer
