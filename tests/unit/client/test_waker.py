import json

import celery
import pytest
from celery import Celery

from mt5fleet.adapters.celery import CeleryWaker, publisher
from mt5fleet.adapters.celery.transport import connection_settings, options, split_tls
from mt5fleet.adapters.celery.waker import ACCOUNTS_PER_WAKE_UP_MAX
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import QUEUES
from mt5fleet.ports.waker import WakeFailed


@pytest.fixture
def app() -> Celery:
    app = Celery("test", broker="memory://", set_as_current=False)
    app.conf.update(task_ignore_result=True, result_backend=None)
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        for queue in QUEUES:
            channel.queue_declare(queue)
            channel.queue_purge(queue)
    return app


def _messages(app: Celery, queue: str) -> list[dict[str, object]]:
    found = []
    with app.connection_for_write() as connection:
        while True:
            raw = connection.default_channel.basic_get(queue, no_ack=True)
            if raw is None:
                return found
            args = json.loads(raw.body)
            found.append({"task": raw.headers["task"], "args": args[0], **raw.headers})


def test_accounts_are_shared_out_over_messages_that_show_them(app: Celery) -> None:
    accounts = tuple(f"a{place}" for place in range(ACCOUNTS_PER_WAKE_UP_MAX + 2))

    CeleryWaker(app).wake_execution(accounts)

    first, second = _messages(app, "execution")
    assert {first["task"], second["task"]} == {"mt5fleet.execution.wake"}
    assert [*first["args"][0], *second["args"][0]] == list(accounts)
    assert len(first["args"][0]) == ACCOUNTS_PER_WAKE_UP_MAX
    assert second["argsrepr"] == "(a8, a9)"
    assert second["ignore_result"] is True


def test_each_wake_up_goes_to_its_own_queue(app: Celery) -> None:
    waker = CeleryWaker(app)

    waker.wake_intake()
    waker.wake_urgent(("a",))
    waker.wake_notifications()

    assert [(m["task"], m["args"]) for m in _messages(app, "signals")] == [("mt5fleet.signals.wake", [])]
    assert [(m["task"], m["args"]) for m in _messages(app, "urgent")] == [("mt5fleet.urgent.wake", [["a"]])]
    assert [(m["task"], m["args"]) for m in _messages(app, "notifications")] == [
        ("mt5fleet.notifications.sweep", [])
    ]


def test_nobody_to_wake_sends_nothing(app: Celery) -> None:
    CeleryWaker(app).wake_execution(())

    assert _messages(app, "execution") == []


def test_absent_broker_is_a_failed_wake_up_that_hides_the_password() -> None:
    with pytest.raises(WakeFailed) as failed:
        CeleryWaker("redis://:PLANTED@127.0.0.1:1/0").wake_intake()

    assert "PLANTED" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_publisher_never_waits_for_ever_and_keeps_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://somebody-elses/0")
    conf = publisher("redis://ours/0").conf

    assert conf.broker_write_url == "redis://ours/0"
    assert conf.broker_transport_options["socket_timeout"] <= 5
    assert conf.broker_pool_acquire_timeout
    assert (conf.result_backend, conf.task_ignore_result, conf.task_serializer) == (None, True, "json")


def test_publisher_does_not_become_the_programs_own_app() -> None:
    own = Celery("own", broker="memory://")
    own.set_current()

    publisher("redis://ours/0")

    assert celery.current_app.main == "own"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("amqp://h", "redis://"),
        ("rediss://h/0", "authority"),
        ("rediss://h/0?ssl_ca_certs=/ca&ssl_cert_reqs=none", "checks off"),
    ],
)
def test_unsafe_broker_address_is_refused(url: str, rule: str) -> None:
    with pytest.raises(InvalidValue, match=rule):
        split_tls(url)


def test_tls_is_verified_and_its_files_arrive() -> None:
    settings = connection_settings("rediss://:p@h:6380/1?ssl_ca_certs=/ca.pem&ssl_certfile=/c&ssl_keyfile=/k")

    assert settings["broker_url"] == "rediss://:p@h:6380/1"
    tls = settings["broker_use_ssl"]
    assert tls["ssl_cert_reqs"].name == "CERT_REQUIRED"
    assert (tls["ssl_ca_certs"], tls["ssl_certfile"], tls["ssl_keyfile"]) == ("/ca.pem", "/c", "/k")
    assert tls["ssl_check_hostname"] is True


def test_plain_address_has_no_tls() -> None:
    assert split_tls("redis://h/0") == ("redis://h/0", None)


def test_redelivery_is_looked_for_often_enough() -> None:
    chosen = options("execution")

    assert chosen["client_name"] == "execution"
    assert (
        chosen["unacked_restore_interval"] * chosen["unacked_restore_throttle"] < chosen["visibility_timeout"]
    )
