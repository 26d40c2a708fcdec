"""The log and webhook channels against an address that answers as told."""

import json
import logging

import httpx
import pytest

from mt5fleet.adapters.notify.log import LogChannel
from mt5fleet.adapters.notify.webhook import WebhookChannel
from mt5fleet.domain.record import Alert, Severity
from mt5fleet.ports.notifier import NotDelivered

URL = "https://hooks.example/T000/secret-part"
ALERT = Alert(severity=Severity.CRITICAL, title="halted", text="drawdown", dedupe="x", account="main")


class Receiver:
    """Answers every request the same way and keeps what it was sent."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.bodies: list[dict[str, object]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def channel(receiver: Receiver) -> WebhookChannel:
    return WebhookChannel("ops", URL, transport=httpx.MockTransport(receiver))


def test_webhook_posts_the_alert_with_its_count() -> None:
    receiver = Receiver(httpx.Response(204))

    channel(receiver).send(ALERT, 3)

    assert receiver.bodies == [
        {"severity": "critical", "title": "halted", "text": "drawdown", "account": "main", "count": 3}
    ]


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_other_answers_are_no_delivery_and_hide_the_address(status: int) -> None:
    with pytest.raises(NotDelivered) as raised:
        channel(Receiver(httpx.Response(status))).send(ALERT, 1)

    assert str(raised.value) == f"ops: answered {status}"


@pytest.mark.parametrize(
    ("header", "wish_s"),
    [("30", 30.0), ("999999", 3600.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)],
)
def test_channel_may_ask_for_patience_within_bounds(header: str, wish_s: float | None) -> None:
    answer = httpx.Response(429, headers={"Retry-After": header})

    with pytest.raises(NotDelivered) as raised:
        channel(Receiver(answer)).send(ALERT, 1)

    assert raised.value.retry_after_s == wish_s


@pytest.mark.parametrize("error", [httpx.ConnectError(URL), httpx.ReadTimeout(URL)])
def test_network_failure_names_its_kind_and_never_the_address(error: Exception) -> None:
    with pytest.raises(NotDelivered) as raised:
        channel(Receiver(error)).send(ALERT, 1)

    assert str(raised.value) == f"ops: {type(error).__name__}"
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_address_without_host_is_a_failed_delivery() -> None:
    with pytest.raises(NotDelivered, match="ops: "):
        WebhookChannel("ops", "http://", transport=None).send(ALERT, 1)


def test_log_channel_writes_at_the_level_of_the_severity(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="mt5fleet.alerts"):
        LogChannel("log").send(ALERT, 2)

    record = caplog.records[0]
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == "alert: halted (x2) account=main: drawdown"
