"""Sweep, delivery, heartbeat."""

import random
from datetime import timedelta

import pytest

from mt5fleet.domain.record import Alert, EventType, Severity
from mt5fleet.ports.notifier import NotDelivered
from mt5fleet.ports.waker import WakeFailed
from mt5fleet.service.heartbeat import Heartbeat, Progress
from mt5fleet.service.notify import Deliver, Route
from mt5fleet.service.settings import HeartbeatSettings, NotifySettings
from mt5fleet.service.telling import ToldOnce
from mt5fleet.service.waking import Waking
from mt5fleet.testing.builders import make_close
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.rig import Rig


class KeptChannel:
    """Keeps what it is given, unless it is down."""

    def __init__(self, name: str, *, down: bool = False, asks_s: float | None = None) -> None:
        self.name = name
        self.down = down
        self.asks_s = asks_s
        self.sent: list[tuple[str, int]] = []
        self.tried = 0

    def send(self, alert: Alert, count: int) -> None:
        self.tried += 1
        if self.down:
            raise NotDelivered("down", self.asks_s)
        self.sent.append((alert.title, count))


def warn(rig: Rig, title: str = "one", severity: Severity = Severity.WARNING) -> None:
    rig.ledger.raise_alert(Alert(severity=severity, title=title, text="text", dedupe=title))


def deliver(rig: Rig, *routes: Route) -> None:
    Deliver(rig.ledger, routes, random.Random(1), rig.clock, NotifySettings()).run()


def test_sweep_wakes_waiting_accounts_once_in_its_period(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.clock.advance_s(3)

    assert rig.sweep().normal == ("alpha",)
    assert rig.sweep().normal == ()

    rig.clock.advance_s(3)
    assert rig.sweep().normal == ("alpha",)
    rig.drain()
    rig.clock.advance_s(3)
    assert rig.sweep().normal == ()


def test_sweep_wakes_urgent_work_on_the_urgent_queue(rig: Rig) -> None:
    rig.execute("S1")
    rig.post(rig.signal("C1", make_close()))
    rig.take_in()
    rig.clock.advance_s(3)

    report = rig.sweep()

    assert (report.urgent, report.normal) == (("alpha",), ())


def test_sweep_wakes_doubts_and_due_flattens(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.LOST_BEFORE)
    rig.execute()
    rig.clock.advance_s(3)
    assert rig.sweep().normal == ("alpha",)

    rig.ledger.halt("alpha", "test", events=(), alert=None)
    rig.clock.advance_s(3)
    assert rig.sweep().urgent == ("alpha",)


def test_sweep_wakes_intake_and_notifications_when_they_have_work(rig: Rig) -> None:
    assert (rig.sweep().intake, rig.sweep().notifications) == (False, False)
    rig.post(rig.signal())
    warn(rig)

    report = rig.sweep()

    assert (report.intake, report.notifications) == (True, True)


def test_account_with_urgent_work_is_woken_on_one_queue_only(rig: Rig) -> None:
    Waking(rig.waker).accounts(urgent={"alpha"}, normal={"alpha", "beta"})

    assert (rig.waker.urgent, rig.waker.execution) == ([("alpha",)], [("beta",)])


def test_queue_that_takes_no_wake_up_is_counted_and_stops_nothing(rig: Rig) -> None:
    class Deaf:
        def __getattr__(self, name: str) -> object:
            raise WakeFailed(name)

    waking = Waking(Deaf())  # type: ignore[arg-type]  # a fake port
    waking.accounts(urgent={"alpha"}, normal=set())
    waking.intake()
    waking.notifications()

    assert waking.failed == 3


def test_sweep_leaves_a_live_owner_alone(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.clock.advance_s(3)
    rig.ledger.acquire("alpha", "somebody", 5_000)

    assert rig.sweep().normal == ()


def test_alert_reaches_every_channel_once(rig: Rig) -> None:
    first, second = KeptChannel("log"), KeptChannel("hook")
    warn(rig)

    for _ in range(3):
        deliver(rig, Route(channel=first), Route(channel=second))

    assert (first.sent, second.sent) == ([("one", 1)], [("one", 1)])
    assert rig.ledger.pending(10) == ()


def test_channel_that_is_down_gets_its_alerts_in_order_when_it_is_back(rig: Rig) -> None:
    up, down = KeptChannel("log"), KeptChannel("hook", down=True)
    routes = (Route(channel=up), Route(channel=down))
    for minute in range(10):
        warn(rig, f"alert {minute}")
        deliver(rig, *routes)
        rig.clock.advance_s(60)
    down.down = False
    for _ in range(10):
        deliver(rig, *routes)
        rig.clock.advance_s(60)

    titles = [f"alert {minute}" for minute in range(10)]
    assert [title for title, _ in up.sent] == titles
    assert sorted(title for title, _ in down.sent) == titles
    assert len(down.sent) == len(titles)


def test_channel_that_is_back_gets_in_order_what_came_while_it_was_left_alone(rig: Rig) -> None:
    down = KeptChannel("hook", down=True)
    one = Deliver(rig.ledger, (Route(channel=down),), random.Random(1), rig.clock, NotifySettings())
    titles = [f"alert {number}" for number in range(8)]
    for title in titles:
        warn(rig, title)
        one.run()
        rig.clock.advance_s(1)
    down.down = False
    rig.clock.advance_s(300)
    one.run()

    assert [title for title, _ in down.sent] == titles


def test_channel_that_is_down_is_asked_after_the_others(rig: Rig) -> None:
    order: list[str] = []

    class Noting(KeptChannel):
        def send(self, alert: Alert, count: int) -> None:
            order.append(self.name)
            super().send(alert, count)

    down, up = Noting("hook", down=True), Noting("log")
    one = Deliver(
        rig.ledger,
        (Route(channel=down), Route(channel=up)),
        random.Random(1),
        rig.clock,
        NotifySettings(),
    )
    warn(rig, "first")
    one.run()
    rig.clock.advance_s(10)
    order.clear()
    warn(rig, "second")
    one.run()

    assert order == ["log", "hook"]


def test_alert_that_only_a_removed_channel_lacks_leaves_and_blocks_nobody(rig: Rig) -> None:
    up, down = KeptChannel("log"), KeptChannel("hook", down=True)
    for number in range(NotifySettings().batch_alerts):
        warn(rig, f"old {number}")
    deliver(rig, Route(channel=up), Route(channel=down))
    rig.clock.advance_s(600)
    warn(rig, "new")

    deliver(rig, Route(channel=up))
    deliver(rig, Route(channel=up))

    assert ("new", 1) in up.sent
    assert rig.ledger.pending(1_000) == ()


def test_two_workers_send_an_alert_once(rig: Rig) -> None:
    """The second one comes while the first is sending."""
    second = KeptChannel("log")

    class Nested(KeptChannel):
        def send(self, alert: Alert, count: int) -> None:
            deliver(rig, Route(channel=second))
            super().send(alert, count)

    first = Nested("log")
    warn(rig)
    deliver(rig, Route(channel=first))

    assert (len(first.sent), len(second.sent)) == (1, 0)


def test_alerts_of_a_worker_that_died_are_sent_by_another(rig: Rig) -> None:
    class Dying(KeptChannel):
        def send(self, alert: Alert, count: int) -> None:
            raise SystemExit

    warn(rig)
    with pytest.raises(SystemExit):
        deliver(rig, Route(channel=Dying("log")))
    rig.clock.advance_s(NotifySettings().claim_ms / 1000)
    up = KeptChannel("log")
    deliver(rig, Route(channel=up))

    assert up.sent == [("one", 1)]


def test_failed_channel_is_left_alone_for_the_backoff(rig: Rig) -> None:
    down = KeptChannel("hook", down=True)
    warn(rig)

    for _ in range(20):
        deliver(rig, Route(channel=down))
        rig.clock.advance_s(0.05)

    assert down.tried == 1


def test_channel_that_is_down_is_asked_once_in_a_run(rig: Rig) -> None:
    down, up = KeptChannel("hook", down=True), KeptChannel("log")
    for number in range(5):
        warn(rig, f"alert {number}")

    deliver(rig, Route(channel=down), Route(channel=up))

    assert (down.tried, len(up.sent)) == (1, 5)


def test_channels_own_wish_to_wait_is_kept(rig: Rig) -> None:
    down = KeptChannel("hook", down=True, asks_s=60)
    warn(rig)
    deliver(rig, Route(channel=down))
    rig.clock.advance_s(59)
    deliver(rig, Route(channel=down))
    assert down.tried == 1

    rig.clock.advance_s(1)
    deliver(rig, Route(channel=down))
    assert down.tried == 2


def test_severity_decides_the_channels(rig: Rig) -> None:
    everything, grave = KeptChannel("log"), KeptChannel("phone")
    routes = (Route(channel=everything), Route(channel=grave, severity_min=Severity.CRITICAL))
    warn(rig, "small", Severity.INFO)
    warn(rig, "large", Severity.CRITICAL)

    deliver(rig, *routes)

    assert [title for title, _ in everything.sent] == ["small", "large"]
    assert [title for title, _ in grave.sent] == ["large"]
    assert rig.ledger.pending(10) == ()


def test_equal_alerts_become_one_with_a_count(rig: Rig) -> None:
    channel = KeptChannel("log")
    for _ in range(4):
        warn(rig)

    deliver(rig, Route(channel=channel))

    assert channel.sent == [("one", 4)]


def test_heartbeat_carries_progress(rig: Rig) -> None:
    progress = Progress()
    heart = Heartbeat(rig.ledger, rig.clock, progress, HeartbeatSettings())
    heart.started("worker-1", "0.1.0")
    progress.note("orders", rig.clock.monotonic_s(), 3)
    rig.clock.advance_s(2)

    heart.beat("worker-1")

    shown = rig.ledger.beats()["worker-1"]
    assert (shown["orders"], shown["orders_age_s"]) == ("3", "2.0")
    assert rig.ledger.fleet_events(1)[0].event.type is EventType.WORKER_STARTED


def test_heartbeat_that_stops_runs_out(rig: Rig) -> None:
    heart = Heartbeat(rig.ledger, rig.clock, Progress(), HeartbeatSettings())
    heart.beat("worker-1")
    rig.clock.advance_s(timedelta(milliseconds=HeartbeatSettings().keep_ms).total_seconds())

    assert rig.ledger.beats() == {}


@pytest.mark.parametrize(("subjects", "first"), [(["a", "a"], False), (["a", "b", "a"], True)])
def test_told_once_forgets_only_the_oldest(subjects: list[str], first: bool) -> None:
    told = ToldOnce(1)
    for subject in subjects[:-1]:
        told.first(subject)

    assert told.first(subjects[-1]) is first
