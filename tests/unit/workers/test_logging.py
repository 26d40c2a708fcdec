"""What log lines and error reports hold, and what never gets into them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from config.logging import configure_logging
from config.redaction import REMOVED, Redaction
from config.sentry import start_sentry
from config.settings import LogFormat, LogLevel

PLANTED = "Tr4ding-pass"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging(LogFormat.JSON, LogLevel.INFO, Redaction([PLANTED]), stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], _ = before
    root.setLevel(before[1])


def test_line_is_one_object_with_time_level_and_logger(lines: io.StringIO) -> None:
    logging.getLogger("some.part").warning("seen %s", "this")

    line = json.loads(lines.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("seen this", "warning", "some.part")
    assert line["timestamp"].endswith("Z")


def test_structured_line_keeps_its_fields(lines: io.StringIO) -> None:
    structlog.get_logger("other").info("filled", account="main", volume="0.10")

    line = json.loads(lines.getvalue())
    assert (line["event"], line["account"], line["volume"]) == ("filled", "main", "0.10")


def test_known_secret_is_removed_from_text_fields_and_tracebacks(lines: io.StringIO) -> None:
    log = structlog.get_logger("part")
    event = f"login with {PLANTED}"
    log.info(event, nested={"deep": [f"x {PLANTED}"]}, password="other")
    try:
        raise RuntimeError(f"refused {PLANTED}")
    except RuntimeError:
        logging.getLogger("lib").exception("failed")

    assert PLANTED not in lines.getvalue()
    assert lines.getvalue().count(REMOVED) >= 4
    assert "RuntimeError" in lines.getvalue()


def test_password_in_an_address_is_removed_without_being_known() -> None:
    cleaned = Redaction([]).text("cannot reach redis://user:hunter2@host:6379/0 now")

    assert cleaned == f"cannot reach redis://{REMOVED}@host:6379/0 now"


def test_value_of_a_secret_name_is_removed_at_any_depth() -> None:
    cleaned = Redaction([]).value({"a": [{"bridge_password": "x1", "login": 5}], "Authorization": "y"})

    assert cleaned == {"a": [{"bridge_password": REMOVED, "login": 5}], "Authorization": REMOVED}


def test_nesting_without_end_is_cut() -> None:
    value: list[object] = []
    value.append(value)

    assert REMOVED in str(Redaction([]).value(value))


def test_sentry_stays_off_without_a_dsn() -> None:
    assert start_sentry(None, environment="test", release="0", redaction=Redaction([])) is False
