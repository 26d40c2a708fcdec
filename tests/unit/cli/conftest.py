import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from random import Random

import pytest

from mt5fleet.cli.main import main
from mt5fleet.cli.tools import Tools
from mt5fleet.client import Durability, ProducerSecret, Submitter, save_key
from mt5fleet.client.build import SignalBuilder
from mt5fleet.client.spool import Spool
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.order import Command, Lane, OrderState, Outcome
from mt5fleet.domain.record import Event, EventType, PartTarget, SignalRecord
from mt5fleet.domain.signal import Signal, Verb
from mt5fleet.fleet_default import render_default, write_default
from mt5fleet.messages import Algorithm, SigningKey, open_envelope, sign
from mt5fleet.ports.waker import WakeFailed
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_ledger import MemoryLedger

KEY = SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=b"k" * 32)


class RecordingWaker:
    """Remembers whom it woke; fails on order."""

    def __init__(self) -> None:
        self.woken: list[object] = []
        self.broken = False

    def wake_intake(self) -> None:
        self._wake("intake")

    def wake_execution(self, accounts: tuple[str, ...]) -> None:
        self._wake(accounts)

    def wake_urgent(self, accounts: tuple[str, ...]) -> None:
        self._wake(("urgent", *accounts))

    def wake_notifications(self) -> None:
        self._wake("notifications")

    def _wake(self, whom: object) -> None:
        if self.broken:
            raise WakeFailed("no broker")
        self.woken.append(whom)


class SureConfirms:
    """A store that syncs every write."""

    def confirm(self) -> Durability:
        return Durability.FSYNCED

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Result:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


class World:
    """A folder with a fleet, a ledger in memory, and the command."""

    def __init__(self, folder: Path, read: Callable[[], tuple[str, str]], patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.ledger: MemoryLedger = MemoryLedger(self.clock)
        self.waker = RecordingWaker()
        self.depths = {"signals": 3, "urgent": 0}
        self.urls: list[str] = []
        self.builder = SignalBuilder("desk", self.clock, Random(3))
        self._read, self._patch = read, patch

    @property
    def fleet(self) -> Path:
        return self.folder / "fleet.toml"

    def run(self, *arguments: str | Path, typed: str = "") -> Result:
        self._patch.setattr("sys.stdin", StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments], tools=self._tools())
        out, err = self._read()
        code = ended.value.code
        return Result(code=0 if code is None else int(code), out=out, err=err)

    def key_file(self) -> Path:
        path = self.folder / "desk.key"
        if not path.exists():
            save_key(path, ProducerSecret(producer="desk", key=KEY))
        return path

    def opening(self, **changes: object) -> Signal:
        return self.builder.open(
            "EURUSD", "buy", **{"groups": ["all"], "lots": "0.1", "stop_loss": "1.0", **changes}
        )

    def executed(self, account: str = "demo-usd-1") -> Signal:
        """A signal that went all the way to the broker on one account."""
        signal = self.opening(tags={"note": "[bold]x[/bold]"})
        envelope = sign(signal, KEY)
        posted = self.ledger.post(signal.id, open_envelope(envelope).body_hash, envelope)
        key = order_key("Simulator-Demo", 5001, signal.id, 0).text
        target = PartTarget(account=account, part=0, key=key, opening_key=None)
        self.ledger.record(
            SignalRecord(
                signal_id=signal.id,
                producer="desk",
                verb="open",
                body_hash="h",
                seq=posted.seq,
                recorded_at=self.clock.now(),
                envelope=envelope,
                parts=1,
                targets=(target,),
                groups={"all": 1},
            )
        )
        self._execute(signal, envelope, key, posted.seq, account)
        return signal

    def _execute(self, signal: Signal, envelope: str, key: str, seq: int, account: str) -> None:
        log = self.ledger.acquire_log("test", 1000)
        self.ledger.push(account, log.token, (_command(signal, envelope, key, seq, account),))
        self.ledger.settle(log, seq)
        self.ledger.release_log(log)
        lease = self.ledger.acquire(account, "test", 5000).lease
        self.ledger.next(lease)
        self.clock.advance_s(0.012)
        self.ledger.begin(lease, key, adds_risk=True, goal=None, full=False, deadline_ms=5000, attempts_max=3)
        self.clock.advance_s(0.034)
        numbers = {"spread_points": "12"}
        event = Event(
            type=EventType.ORDER_FILLED, account=account, signal_id=signal.id, key=key, numbers=numbers
        )
        outcome = _filled(self.clock.now())
        self.ledger.finish(lease, key, outcome, reason="", events=(event,), alert=None, retry_after_ms=0)
        self.ledger.release(lease, force=True)

    def _tools(self) -> Tools:
        return Tools(
            environ={},
            clock=self.clock,
            chance=Random(4),
            connect_ledger=self._ledger,
            connect_waker=lambda _: self.waker,
            connect_submitter=self._submitter,
            queue_depths=lambda _: self.depths,
        )

    def _ledger(self, url: str) -> MemoryLedger:
        self.urls.append(url)
        return self.ledger

    def _submitter(self, url: str, *, spool: Path | None, **others: object) -> Submitter:
        self.urls.append(url)
        return Submitter(
            postbox=self.ledger,
            waker=self.waker,
            confirms=SureConfirms(),
            clock=self.clock,
            spool=None if spool is None else Spool(spool),
        )


def _command(signal: Signal, envelope: str, key: str, seq: int, account: str) -> Command:
    return Command(
        key=key,
        account=account,
        signal_id=signal.id,
        producer="desk",
        part=0,
        verb=Verb.OPEN,
        lane=Lane.NORMAL,
        seq=seq,
        envelope=envelope,
        opening_key=None,
        created_at=signal.created_at,
        valid_until=signal.valid_until,
    )


def _filled(at: datetime) -> Outcome:
    return Outcome(
        state=OrderState.FILLED,
        sentence="filled",
        retcode=10009,
        order_ticket=77,
        deal_ticket=78,
        position_ticket=77,
        volume=Decimal("0.10"),
        price=Decimal("1.08015"),
        sent_at=at - timedelta(milliseconds=4),
        broker_at=at,
    )


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    def read() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    folder = tmp_path / "fleet"
    write_default(render_default(folder))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MT5FLEET_FILE", raising=False)
    monkeypatch.delenv("MT5FLEET_REDIS_URL", raising=False)
    return World(folder, read, monkeypatch)


@pytest.fixture
def told(world: World) -> World:
    """A world whose ledger knows the accounts."""
    world.run("accounts", "apply", world.fleet, "--yes")
    return world
