from mt5fleet.domain.record import Event, EventType, PendingAlert, Severity
from mt5fleet.ports.ledger import Ledger
from tests.contract.ledger.rigs import START, RedisRig, Rig
from tests.contract.ledger.values import an_account, an_alert

BOTH = frozenset({"log", "webhook"})


def _only(ledger: Ledger) -> PendingAlert:
    (alert,) = ledger.pending(10)
    return alert


def test_raised_alert_waits_with_its_fleet_events(rig: Rig) -> None:
    event = Event(type=EventType.WORKER_STARTED, numbers={"pid": "7"})

    rig.ledger.raise_alert(an_alert(), (event,))
    pending = _only(rig.ledger)

    assert (pending.outbox, pending.at, pending.alert) == ("fleet", START, an_alert())
    assert (pending.delivered, pending.attempts, pending.count) == ((), 0, 1)
    assert [stored.event for stored in rig.ledger.fleet_events(5)] == [event]


def test_alert_leaves_when_every_channel_has_it(rig: Rig) -> None:
    rig.ledger.raise_alert(an_alert())

    rig.ledger.delivered(_only(rig.ledger), "webhook", all_channels=BOTH)
    between = _only(rig.ledger)
    rig.ledger.delivered(between, "log", all_channels=BOTH)

    assert between.delivered == ("webhook",)
    assert rig.ledger.pending(10) == ()
    rig.ledger.delivered(between, "log", all_channels=BOTH)
    rig.ledger.defer(between, 100)
    assert rig.ledger.pending(10) == ()


def test_claimed_alert_is_given_to_one_worker_and_comes_back(rig: Rig) -> None:
    rig.ledger.raise_alert(an_alert())
    alert = _only(rig.ledger)

    assert [rig.ledger.claim(alert, 5_000), rig.ledger.claim(alert, 5_000)] == [True, False]
    assert rig.ledger.pending(10) == ()

    rig.advance_ms(5_000)
    assert _only(rig.ledger) == alert
    rig.ledger.delivered(alert, "log", all_channels=frozenset({"log"}))
    assert rig.ledger.claim(alert, 5_000) is False


def test_storm_becomes_one_alert_with_a_count_and_the_newest_text(rig: Rig) -> None:
    for text in ("first", "second", "third"):
        rig.ledger.raise_alert(an_alert(text=text))
    rig.ledger.raise_alert(an_alert("other"))

    subjects = {alert.alert.dedupe: (alert.count, alert.alert.text) for alert in rig.ledger.pending(10)}

    assert subjects == {"subject": (3, "third"), "other": (1, "something happened")}


def test_milder_alert_does_not_replace_a_graver_one(rig: Rig) -> None:
    for severity in (Severity.WARNING, Severity.CRITICAL, Severity.INFO):
        rig.ledger.raise_alert(an_alert(severity=severity))

    assert (_only(rig.ledger).count, _only(rig.ledger).alert.severity) == (3, Severity.CRITICAL)


def test_alert_that_one_channel_has_is_not_merged_any_more(rig: Rig) -> None:
    rig.ledger.raise_alert(an_alert(text="first"))
    rig.ledger.delivered(_only(rig.ledger), "log", all_channels=BOTH)

    rig.ledger.raise_alert(an_alert(text="second"))

    assert [(alert.alert.text, alert.delivered) for alert in rig.ledger.pending(10)] == [
        ("first", ("log",)),
        ("second", ()),
    ]


def test_what_was_merged_during_a_delivery_is_told_on_its_own(rig: Rig) -> None:
    rig.ledger.raise_alert(an_alert())
    read = _only(rig.ledger)
    for _ in range(2):
        rig.ledger.raise_alert(an_alert())

    rig.ledger.delivered(read, "log", all_channels=frozenset({"log"}))

    assert (_only(rig.ledger).count, _only(rig.ledger).delivered) == (2, ())
    assert _only(rig.ledger).id != read.id
    rig.ledger.raise_alert(an_alert())
    assert _only(rig.ledger).count == 3


def test_failed_delivery_is_counted_and_due_later(rig: Rig) -> None:
    rig.ledger.raise_alert(an_alert())

    rig.ledger.defer(_only(rig.ledger), 1_000)
    early = rig.ledger.pending(10)
    rig.advance_ms(1_000)

    assert early == ()
    assert _only(rig.ledger).attempts == 1


def test_pending_gives_the_oldest_of_all_outboxes(rig: Rig) -> None:
    rig.ledger.halt("b", "floor", events=(), alert=an_alert("1"))
    rig.advance_ms(1)
    rig.ledger.raise_alert(an_alert("2"))
    rig.advance_ms(1)
    rig.ledger.halt("a", "floor", events=(), alert=an_alert("3"))

    assert [(alert.outbox, alert.alert.dedupe) for alert in rig.ledger.pending(2)] == [
        ("acc:b", "1"),
        ("fleet", "2"),
    ]
    assert [alert.alert.dedupe for alert in rig.ledger.pending(9)] == ["1", "2", "3"]


def test_alert_is_found_again_after_the_index_was_lost(rig: Rig) -> None:
    rig.ledger.apply([an_account("a")], {})
    rig.ledger.halt("a", "floor", events=(), alert=an_alert())
    if isinstance(rig, RedisRig):
        rig.client.delete("mt5fleet:{fleet}:outboxes")

    assert _only(rig.ledger).alert == an_alert()
    assert _only(rig.ledger).outbox == "acc:a"
