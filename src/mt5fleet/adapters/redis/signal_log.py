"""The signal log on Redis: posted messages, what intake made of them, and the epoch."""

from datetime import datetime

from mt5fleet.adapters.redis.answers import ORDER_FIELDS, alert_arguments, order_of
from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.store import Answer, Call, given, int_of, listed, text_of
from mt5fleet.codec import decode, encode
from mt5fleet.domain.errors import FleetError, LedgerError, LedgerUnavailable
from mt5fleet.domain.lease import LOG, Lease
from mt5fleet.domain.lifecycle import FINAL
from mt5fleet.domain.record import (
    Alert,
    DeadLetter,
    Epoch,
    OrderRecord,
    SignalPhase,
    SignalRecord,
    SignalStatus,
)
from mt5fleet.ports.ledger import LogEntry, Posted, Posting, PostResult

MICROS_DIGITS_MAX = 16  # microseconds until the year 2286


class RedisSignalLog(Part):
    """Posted signals; the stream is the log, and what is settled leaves it."""

    _epoch: Epoch | None = None
    _epoch_checked_s: float = 0.0

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        answer = self._store.run("post", self._keys.log, signal_id, body_hash, envelope)
        return _posted(answer, self._epoch_if_missing([answer]))

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        calls = [
            Call("post", self._keys.log, (posting.signal_id, posting.body_hash, posting.envelope))
            for posting in postings
        ]
        answers = [_refusal_or_answer(answer) for answer in self._store.run_many(calls)]
        opened = self._epoch_if_missing([item for item in answers if not isinstance(item, LedgerError)])
        return tuple(
            answer if isinstance(answer, LedgerError) else _posted(answer, opened) for answer in answers
        )

    def _epoch_if_missing(self, answers: list[Answer]) -> int:
        """Number of the epoch that the first posts after an emptying open."""
        missing = any(int_of(listed(answer)[2]) == 0 for answer in answers)
        return self._open_epoch().number if missing else 0

    def acquire_log(self, owner: str, ttl_ms: int) -> Lease | None:
        answer = self._store.run("acquire_log", self._keys.log, owner, self._nonce(), ttl_ms)
        if answer is None:
            return None
        token, deadline = listed(answer)
        return Lease(resource=LOG, owner=owner, token=int_of(token), deadline=from_us(int_of(deadline)))

    def waiting(self, lease: Lease, limit: int) -> tuple[LogEntry, ...]:
        answer = self._store.run("waiting", self._keys.log, lease.token, limit)
        return tuple(_entry(entry) for entry in listed(answer))

    def record(self, record: SignalRecord) -> SignalRecord:
        text = encode(SignalRecord, record)
        key = self._record_key(record.signal_id)
        keep_ms = self._settings.record_keep_ms
        kept = self._store.ask(lambda: self._store.client.set(key, text, nx=True, get=True, px=keep_ms))
        return record if kept is None else decode(SignalRecord, str(kept))

    def record_of(self, signal_id: str) -> SignalRecord | None:
        (kept,) = self._store.read(("GET", self._record_key(signal_id)))
        return None if kept is None else decode(SignalRecord, text_of(kept))

    def bury(self, lease: Lease, letter: DeadLetter, alert: Alert | None) -> None:
        text = encode(DeadLetter, letter)
        told = alert_arguments(alert)
        self._store.run("bury", self._keys.log, lease.token, letter.signal_id, letter.seq, text, *told)

    def settle(self, lease: Lease, seq: int) -> None:
        self._store.run("settle", self._keys.log, lease.token, seq)

    def release_log(self, lease: Lease) -> bool:
        return int_of(self._store.run("release_log", self._keys.log, lease.token)) == 1

    def status(self, signal_id: str) -> SignalStatus:
        log = self._keys.log
        kept, buried, posted, epoch = self._store.read(
            ("GET", self._record_key(signal_id)),
            ("HGET", f"{log}:dead:{signal_id}", "letter"),
            ("EXISTS", f"{log}:id:{signal_id}"),
            ("HGET", f"{log}:epoch", "number"),
        )
        record = None if kept is None else decode(SignalRecord, text_of(kept))
        letter = None if buried is None else decode(DeadLetter, text_of(buried))
        orders = self._orders_of(record)
        phase = _phase(record, orders, is_buried=letter is not None, is_posted=int_of(posted) == 1)
        return SignalStatus(
            signal_id=signal_id, phase=phase, epoch=int_of(epoch), dead_letter=letter, orders=orders
        )

    def _orders_of(self, record: SignalRecord | None) -> tuple[OrderRecord, ...]:
        targets = () if record is None else record.targets
        keys = [f"{self._keys.account(target.account)}:order:{target.key}" for target in targets]
        answers = self._store.read(*(("HMGET", key, *ORDER_FIELDS) for key in keys))
        orders = (order_of(answer) for answer in answers)
        return tuple(order for order in orders if order is not None)

    def _record_key(self, signal_id: str) -> str:
        return f"{self._keys.signal(signal_id)}:record"

    def log_backlog(self) -> tuple[int, datetime | None, bool]:
        count, oldest, owned = listed(self._store.run("log_backlog", self._keys.log))
        return int_of(count), None if oldest is None else _moment(text_of(oldest)), int_of(owned) == 1

    def dead_letters(self, limit: int) -> tuple[DeadLetter, ...]:
        (letters,) = self._store.read(("LRANGE", f"{self._keys.log}:dead", 0, limit - 1))
        return tuple(decode(DeadLetter, text_of(letter)) for letter in listed(letters))

    def epoch(self) -> Epoch:
        """See the port; that the store was emptied is seen at once, another run id after `epoch_check_s`."""
        kept, fresh_s = self._epoch, self._monotonic_s() - self._epoch_checked_s
        if kept is None or fresh_s >= self._settings.epoch_check_s:
            return self._open_epoch()
        (number,) = self._store.read(("HGET", f"{self._keys.log}:epoch", "number"))
        return kept if int_of(number) == kept.number else self._open_epoch()

    def _open_epoch(self) -> Epoch:
        checked_s = self._monotonic_s()
        number, started, run_id = listed(self._store.run("open_epoch", self._keys.log, self._run_id()))
        self._epoch = Epoch(
            number=int_of(number), started_at=from_us(int_of(started)), run_id=text_of(run_id)
        )
        self._epoch_checked_s = checked_s
        return self._epoch

    def _run_id(self) -> str:
        found = self._store.ask(lambda: self._store.client.info("server")).get("run_id")
        if not found:
            raise LedgerUnavailable("the ledger's server does not tell its run id")
        return str(found)

    def count_signal(self, producer: str, per_minute_max: int) -> bool:
        return int_of(self._store.run("count_signal", self._keys.fleet, producer)) <= per_minute_max

    def check_memory(self) -> int | None:
        memory = self._store.ask(lambda: self._store.client.info("memory"))
        limit = int(memory.get("maxmemory", 0))
        percent = 100 * int(memory["used_memory"]) // limit if limit else None
        full = percent is not None and percent > self._settings.memory_percent_max
        self._store.run("flag_memory", self._keys.log, int(full))
        return percent


def _refusal_or_answer(answer: Answer | FleetError) -> Answer | LedgerError:
    return answer if isinstance(answer, LedgerError) else given(answer)


def _posted(answer: Answer, epoch_opened: int) -> Posted:
    result, seq, epoch, wake = listed(answer)
    return Posted(
        result=PostResult(text_of(result)),
        seq=int_of(seq),
        epoch=max(int_of(epoch), epoch_opened),
        wake=int_of(wake) == 1,
    )


def _entry(answer: Answer) -> LogEntry:
    """An entry as it stands: whoever reaches the store can write one that lacks fields, and it is refused."""
    entry_id, flat, buried = listed(answer)
    texts = [text_of(part) for part in listed(flat)]
    fields = dict(zip(texts[::2], texts[1::2], strict=True))
    return LogEntry(
        seq=int(text_of(entry_id).partition("-")[0]),
        posted_at=_moment(fields.get("at", "")),
        signal_id=fields.get("id", ""),
        body_hash=fields.get("hash", ""),
        envelope=fields.get("env", ""),
        buried=int_of(buried) == 1,
    )


def _moment(micros: str) -> datetime:
    """A moment written by `post`; of anything else the beginning of time."""
    readable = micros.isdecimal() and len(micros) <= MICROS_DIGITS_MAX
    return from_us(int(micros) if readable else 0)


def _phase(
    record: SignalRecord | None, orders: tuple[OrderRecord, ...], *, is_buried: bool, is_posted: bool
) -> SignalPhase:
    if record is not None:
        whole = len(orders) == len(record.targets) and all(order.state in FINAL for order in orders)
        return SignalPhase.FINAL if whole else SignalPhase.RECORDED
    if is_buried:
        return SignalPhase.REFUSED
    return SignalPhase.POSTED if is_posted else SignalPhase.UNKNOWN
