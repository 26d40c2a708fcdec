import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mt5fleet.adapters.bridge.frames import FRAME_BYTES_MAX, BadFrame, Ended, packed, read_frame, unpacked
from mt5fleet.adapters.bridge.operations import OPERATIONS, operation_of, pack_error, unpack_error
from mt5fleet.domain.broker import Quote
from mt5fleet.domain.errors import FleetError, InvalidValue, StaleToken, Unanswered, Unreachable
from mt5fleet.domain.order import ModifyOrder, Permit
from mt5fleet.domain.signal import Removal

NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
PERMIT = Permit(key="0" * 64, attempt=1, token=2, not_after=NOW, sent_at=NOW, journal_id=None)


def test_a_frame_is_read_as_it_was_packed() -> None:
    message = {"operation": "quote", "arguments": {"symbol": "EURUSD"}}
    stream = io.BytesIO(packed(message) * 2)
    assert read_frame(stream) == message
    assert read_frame(stream) == message
    with pytest.raises(Ended):
        read_frame(stream)


def test_a_frame_that_is_cut_off_has_ended() -> None:
    with pytest.raises(Ended):
        read_frame(io.BytesIO(packed({"a": 1})[:-1]))


def test_an_oversized_frame_is_refused_before_it_is_read() -> None:
    stream = io.BytesIO((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))
    with pytest.raises(BadFrame, match="bytes"):
        read_frame(stream)


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadFrame):
        unpacked(body)


@pytest.mark.parametrize("name", ["eval", "order_send", "__class__", "learn_offset", "", None, 3, ["submit"]])
def test_only_listed_operations_can_be_called(name: str | int | list[str] | None) -> None:
    with pytest.raises(InvalidValue, match="operation"):
        operation_of(name)  # type: ignore[arg-type]  # whatever a peer may send


def test_every_operation_of_the_port_is_listed() -> None:
    expected = (
        "health reading instrument quote positions orders deals submit close modify cancel resolve latch"
    )
    assert set(OPERATIONS) == set(expected.split())


@pytest.mark.parametrize(
    "given",
    [None, [], {}, {"token": 1, "other": 2}, {"token": "x"}, {"token": 1.5}],
)
def test_arguments_that_do_not_fit_are_refused(given: object) -> None:
    with pytest.raises(InvalidValue):
        OPERATIONS["positions"].unpack(given)  # type: ignore[arg-type]  # whatever a peer may send


def test_arguments_survive_the_wire() -> None:
    order = ModifyOrder(
        opening_key="k",
        opening_magic=1 << 52,
        ticket=None,
        stop_loss=Removal.REMOVE,
        take_profit=Decimal("1.2000"),
        price=None,
    )
    operation = OPERATIONS["modify"]
    sent = unpacked(packed(operation.pack({"order": order, "permit": PERMIT}))[4:])
    assert operation.unpack(sent) == {"order": order, "permit": PERMIT}


def test_answers_survive_the_wire_and_none_stays_none() -> None:
    quote = Quote(symbol="EURUSD", bid=Decimal("1.10000"), ask=Decimal("1.10010"), at=NOW)
    operation = OPERATIONS["quote"]
    assert operation.unpack_answer(operation.pack_answer(quote)) == quote
    assert operation.unpack_answer(operation.pack_answer(None)) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("gone"), Unreachable),
        (Unanswered("silent"), Unanswered),
        (StaleToken(9), StaleToken),
        (InvalidValue("field", "rule"), InvalidValue),
        (FleetError("something else"), Unanswered),
    ],
)
def test_errors_keep_what_they_say(error: FleetError, kind: type[FleetError]) -> None:
    arrived = unpack_error(pack_error(error))
    assert type(arrived) is kind
    assert str(arrived) == str(error)


@pytest.mark.parametrize("given", [None, [], "text", {}, {"kind": "StaleToken"}])
def test_an_error_that_cannot_be_read_says_nothing(given: object) -> None:
    assert type(unpack_error(given)) is Unanswered  # type: ignore[arg-type]  # whatever a peer may send
