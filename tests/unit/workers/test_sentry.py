"""What leaves for Sentry, seen by a transport that keeps it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from config.redaction import Redaction
from config.sentry import start_sentry

PLANTED = "Pl4nted-secret"
ADDRESS = "redis://u:hunter2@host/0"
LOGIN = 47 * 100 + 11  # written so that the lines of source in the report do not hold it


class Keeping(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent += [item.payload.json for item in envelope.items if item.payload.json is not None]


@pytest.fixture
def sentry() -> Iterator[Keeping]:
    start_sentry("http://key@127.0.0.1:9/1", environment="test", release="0", redaction=Redaction([PLANTED]))
    client, kept = sentry_sdk.get_client(), Keeping()
    client.transport = kept
    yield kept
    client.close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


def test_error_is_reported_without_secrets_locals_or_addresses(sentry: Keeping) -> None:
    password_of_the_account = PLANTED
    logging.getLogger("x").warning("breadcrumb with %s", PLANTED)
    try:
        raise RuntimeError(f"login with {password_of_the_account} at {ADDRESS} failed")
    except RuntimeError as error:
        sentry_sdk.set_extra("nested", {"deep": [{"login": LOGIN, "text": PLANTED}]})
        sentry_sdk.capture_exception(error)

    text = json.dumps(sentry.sent)
    assert "RuntimeError" in text
    assert PLANTED not in text
    assert "hunter2" not in text
    assert str(LOGIN) not in text
    assert "password_of_the_account" not in json.dumps(
        [frame.get("vars", {}) for frame in frames(sentry.sent[0])]
    )


def frames(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
