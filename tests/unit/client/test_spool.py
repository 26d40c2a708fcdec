import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mt5fleet.client import OutcomeUnknown, SpoolFailed
from mt5fleet.client.spool import Kept, Spool
from mt5fleet.domain.errors import Conflict, LedgerFull
from mt5fleet.domain.record import DeadLetter, SignalPhase
from tests.unit.client.conftest import World


def _refuse(world: World, signal_id: str) -> None:
    """Let intake bury the signal, which settles it."""
    lease = world.ledger.acquire_log("test", 1000)
    entry = next(one for one in world.ledger.waiting(lease, 100) if one.signal_id == signal_id)
    letter = DeadLetter(
        seq=entry.seq,
        at=world.clock.now(),
        signal_id=signal_id,
        producer="desk",
        reason="schema_invalid",
        field="open",
        rule="is wrong",
        envelope=entry.envelope,
    )
    world.ledger.bury(lease, letter, None)
    world.ledger.settle(lease, entry.seq)


def test_signal_is_kept_before_it_is_posted(spooling: World) -> None:
    signal = spooling.opening()
    spooling.postbox.faults = ["before"] * 100

    with pytest.raises(OutcomeUnknown):
        spooling.client.submit(signal)

    assert spooling.kept() == [signal.id]


def test_full_ledger_leaves_the_signal_kept(spooling: World) -> None:
    signal = spooling.opening()
    spooling.postbox.faults = ["full"]

    with pytest.raises(LedgerFull):
        spooling.client.submit(signal)

    assert spooling.client.resend().posted == (signal.id,)
    assert spooling.client.status(signal.id).phase is SignalPhase.POSTED


def test_settled_signal_leaves_the_spool_when_its_status_is_read(spooling: World) -> None:
    settled, waiting = spooling.opening(), spooling.opening()
    spooling.client.submit_many([settled, waiting])
    _refuse(spooling, settled.id)

    assert spooling.client.status(settled.id).phase is SignalPhase.REFUSED
    assert spooling.kept() == [waiting.id]


def test_wiped_ledger_gets_the_same_bytes_again(spooling: World) -> None:
    signals = [spooling.opening() for _ in range(3)]
    spooling.client.submit_many(signals)
    before = list(spooling.postbox.posts)
    spooling.ledger.wipe()

    resent = spooling.client.resend()

    assert resent.posted == tuple(one.id for one in signals)
    assert spooling.postbox.posts == before + before
    assert [spooling.client.status(one.id).phase for one in signals] == [SignalPhase.POSTED] * 3


def test_next_submit_in_a_new_epoch_posts_the_older_signals_by_itself(spooling: World) -> None:
    older = spooling.opening()
    spooling.client.submit(older)
    spooling.ledger.wipe()
    spooling.clock.advance_s(1)

    spooling.client.submit(spooling.opening())

    assert spooling.client.status(older.id).phase is SignalPhase.POSTED


def test_reading_the_status_of_a_forgotten_signal_posts_it_again(spooling: World) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)
    spooling.ledger.wipe()

    assert spooling.client.status(signal.id).phase is SignalPhase.POSTED
    assert spooling.waker.woken == 2


def test_resend_in_the_same_epoch_posts_nothing(spooling: World) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)

    resent = spooling.client.resend()

    assert (resent.waiting, resent.posted) == ((signal.id,), ())
    assert len(spooling.postbox.posts) == 1


def test_resend_forgets_what_is_settled(spooling: World) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)
    _refuse(spooling, signal.id)

    assert spooling.client.resend().settled == (signal.id,)
    assert spooling.kept() == []


def test_resend_tells_a_conflict_and_forgets_it(spooling: World) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)
    spooling.ledger.wipe()
    spooling.clock.advance_s(1)
    spooling.ledger.post(signal.id, "other body", "{}")

    assert spooling.client.resend().conflicts == (signal.id,)
    assert spooling.kept() == []


def test_conflict_does_not_push_the_first_signal_out_of_the_spool(spooling: World) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)

    with pytest.raises(Conflict):
        spooling.client.submit(replace(signal, tags={"x": "y"}))

    assert spooling.kept() == [signal.id]


def test_spool_survives_its_process(spooling: World, tmp_path: Path) -> None:
    signal = spooling.opening()
    spooling.client.submit(signal)

    again = Spool(tmp_path / "signals.spool")

    assert [kept.signal_id for kept in again.kept()] == [signal.id]
    assert again.kept()[0].epoch == spooling.ledger.epoch().number
    again.close()


def test_full_spool_refuses_before_anything_is_posted(
    spooling: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt5fleet.client.spool.KEPT_MAX", 1)
    spooling.client.submit(spooling.opening())

    with pytest.raises(SpoolFailed):
        spooling.client.submit(spooling.opening())

    assert len(spooling.postbox.posts) == 1


def test_file_that_is_no_spool_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("this is no database, and long enough to be read as one: " * 40)

    with pytest.raises(SpoolFailed, match="text"):
        Spool(path)


def test_writes_are_synced_to_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    full = 2  # SQLite documentation, PRAGMA synchronous

    assert spool._rows("PRAGMA synchronous") == [(full,)]
    spool.close()


def test_two_spools_may_share_one_file(tmp_path: Path) -> None:
    one, two = Spool(tmp_path / "s"), Spool(tmp_path / "s")

    one.keep([Kept(signal_id="A", envelope="{}", epoch=None)])
    two.keep([Kept(signal_id="B", envelope="{}", epoch=None)])

    assert [kept.signal_id for kept in one.kept()] == ["A", "B"]
    one.close()
    two.close()


def test_closed_spool_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    spool.close()

    with pytest.raises(SpoolFailed) as failed:
        spool.kept()

    assert not isinstance(failed.value, sqlite3.Error)
