"""Options that keep wake-ups harmless, and routes of every task."""

import pytest

from config.celery_options import celery_options
from config.queues import queues, routes
from config.schedule import beat_schedule
from mt5fleet import messages
from mt5fleet.domain.errors import InvalidValue

TASKS = {value for name, value in vars(messages).items() if name.startswith("TASK_")}


def options() -> dict[str, object]:
    return celery_options("redis://127.0.0.1:6379/0", pool="threads", slots=10)


def test_every_task_has_a_route_to_a_queue_of_the_contract() -> None:
    assert set(routes()) == TASKS
    assert {route["queue"] for route in routes().values()} == set(messages.QUEUES)


def test_a_worker_without_choice_consumes_every_queue() -> None:
    assert tuple(queue.name for queue in queues()) == messages.QUEUES
    assert options()["task_create_missing_queues"] is False


def test_ticks_run_out_before_their_successor() -> None:
    for name, entry in beat_schedule().items():
        assert entry["task"] in TASKS
        assert entry["options"]["expires"] <= entry["schedule"], name


def test_only_json_is_accepted() -> None:
    assert options()["accept_content"] == ["json"]
    assert options()["result_backend"] is None


@pytest.mark.parametrize(
    "url", ["amqp://host", "rediss://host:6380/0", "rediss://host/0?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem"]
)
def test_unsafe_broker_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match=r"redis\.broker_url"):
        celery_options(url, pool="threads", slots=1)
