from datetime import timedelta

from mt5fleet.domain.record import Event, EventType
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import a_command, a_letter, a_record, a_target, an_event


def test_account_events_come_oldest_first_and_the_newest_are_given(rig: Rig) -> None:
    for number in range(4):
        rig.ledger.emit(an_event(numbers={"n": str(number)}))

    newest = rig.ledger.account_events("a", 2)

    assert [stored.event.numbers["n"] for stored in newest] == ["2", "3"]
    assert rig.ledger.account_events("b", 2) == ()


def test_event_comes_back_as_it_was_written(rig: Rig) -> None:
    event = an_event(EventType.GUARD_BREACHED, signal_id="s", key="k", numbers={"é/": '"\\'})

    rig.ledger.emit(event)

    (stored,) = rig.ledger.account_events("a", 5)
    assert (stored.event, stored.at) == (event, START)


def test_events_without_an_account_belong_to_the_fleet(rig: Rig) -> None:
    event = Event(type=EventType.WORKER_STOPPED)

    rig.ledger.emit(event)

    assert [stored.event for stored in rig.ledger.fleet_events(5)] == [event]
    assert rig.ledger.account_events("a", 5) == ()


def test_ids_grow_when_the_clock_goes_back(rig: Rig) -> None:
    for _ in range(3):
        rig.ledger.emit(an_event())
        rig.back_ms(1_000)

    stored = rig.ledger.account_events("a", 5)
    ids = [tuple(map(int, item.id.split("-"))) for item in stored]

    assert len(stored) == 3
    assert ids == sorted(set(ids))
    assert {item.at for item in stored} == {START}


def test_story_of_a_signal_is_told_over_its_accounts_by_time(rig: Rig) -> None:
    posted = rig.ledger.post("s", "h", "e")
    targets = (a_target("kb", "b"), a_target("ka", "a"))
    rig.ledger.record(a_record("s", *targets, seq=posted.seq, recorded_at=START))
    for account, key in (("b", "kb"), ("a", "ka")):
        rig.advance_ms(10)
        rig.ledger.push(account, 1, (a_command(key, account=account, signal_id="s"),))
        rig.ledger.emit(an_event(account=account, signal_id="other"))

    story = rig.ledger.signal_events("s")

    assert [(stored.event.type, stored.event.account) for stored in story] == [
        (EventType.SIGNAL_RECEIVED, None),
        (EventType.ORDER_RECEIVED, "b"),
        (EventType.ORDER_RECEIVED, "a"),
    ]
    assert [stored.at for stored in story] == [START + timedelta(milliseconds=ms) for ms in (0, 10, 20)]
    assert rig.ledger.signal_events("unknown") == ()


def test_story_of_a_refused_signal_is_its_dead_letter(rig: Rig) -> None:
    lease = rig.ledger.acquire_log("intake", 1_000)
    assert lease is not None
    rig.ledger.bury(lease, a_letter("bad"), None)

    (stored,) = rig.ledger.signal_events("bad")

    assert stored.event.type is EventType.SIGNAL_REFUSED
    assert stored.event.numbers == {
        "reason": "schema_invalid",
        "field": "open.symbol",
        "rule": "is required",
    }


def test_long_story_is_read_in_pages(rig: Rig) -> None:
    rig.ledger.record(a_record("s", a_target("k"), seq=1))
    for number in range(1_100):
        rig.ledger.emit(an_event(signal_id="s" if number % 2 else "t"))

    assert len(rig.ledger.signal_events("s")) == 551


def test_heartbeats_run_out(rig: Rig) -> None:
    rig.ledger.beat("worker:1", {"queue": "execution"}, 1_000)
    rig.ledger.beat("bridge:local", {}, 500)
    rig.advance_ms(500)
    left = rig.ledger.beats()
    rig.ledger.beat("worker:1", {"queue": "urgent"}, 1_000)

    assert left == {"worker:1": {"queue": "execution", "at": START.isoformat()}}
    assert rig.ledger.beats() == {
        "worker:1": {"queue": "urgent", "at": (START + timedelta(milliseconds=500)).isoformat()}
    }


def test_now_is_a_moment_in_utc(rig: Rig) -> None:
    assert rig.ledger.now().utcoffset() == timedelta(0)
