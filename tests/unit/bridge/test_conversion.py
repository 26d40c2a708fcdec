from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from mt5fleet.adapters.bridge.codecs import DECIMAL_CHARS_MAX
from mt5fleet.adapters.bridge.conversion import ALIASES, Plan, from_message, to_message
from mt5fleet.adapters.bridge.operations import OPERATIONS, Place, operation_of
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as wire
from mt5fleet.adapters.bridge.protocol import child_pb2
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import (
    Check,
    Deal,
    DealEntry,
    Health,
    Instrument,
    Mode,
    Position,
    Quote,
    Reading,
    RestingOrder,
)
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import InvalidValue, InvariantBroken
from mt5fleet.domain.latch import Binding, Floor, Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry, Removal, Side
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.builders import make_open_order

NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
PERMIT = Permit(key="0" * 64, attempt=1, token=2, not_after=NOW, sent_at=NOW, journal_id=None)
TYPES: dict[type, type[Message]] = {
    Binding: wire.Binding,
    CancelOrder: wire.CancelOrder,
    Check: wire.Check,
    CloseOrder: wire.CloseOrder,
    Deal: wire.Deal,
    Floor: wire.Floor,
    GuardMemory: wire.GuardMemory,
    Health: wire.Health,
    Instrument: wire.Instrument,
    JournalEntry: child_pb2.JournalEntry,
    Latch: wire.Latch,
    ModifyOrder: wire.ModifyOrder,
    OpenOrder: wire.OpenOrder,
    Outcome: wire.Outcome,
    Permit: wire.Permit,
    Position: wire.Position,
    Quote: wire.Quote,
    Reading: wire.Reading,
    RestingOrder: wire.RestingOrder,
}
ENUMS: tuple[tuple[type[StrEnum], Any], ...] = (
    (Side, wire.Side),
    (Entry, wire.Entry),
    (Mode, wire.Mode),
    (OrderState, wire.OrderState),
    (Retry, wire.Retry),
    (DealEntry, wire.DealEntry),
)
ONE_OF_EACH: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=8
    ),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may hold."""
    if kind is NoneType:
        return st.none()
    if get_origin(kind) in {Union, UnionType}:
        return st.one_of(*map(values_of, get_args(kind)))
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is dict:
        return st.dictionaries(st.text(max_size=5), values_of(get_args(kind)[1]), max_size=3)
    if kind in ONE_OF_EACH:
        return ONE_OF_EACH[kind]
    if issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


def sent(message: Message) -> Message:
    """As it arrives at the other side."""
    return type(message).FromString(message.SerializeToString())


def broken(change: Callable[[Any], None]) -> Any:
    """The message of a call with something wrong in it."""
    call = OPERATIONS["submit"].pack({"order": make_open_order(), "permit": PERMIT}, "alpha")
    change(call)
    return sent(call)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@given(chosen=st.data())
def test_every_value_survives_the_wire(kind: type, chosen: st.DataObject) -> None:
    value = chosen.draw(values_of(kind))
    assert from_message(sent(to_message(value, TYPES[kind])), kind) == value


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_field_has_its_place_on_the_wire_and_no_place_is_spare(kind: type) -> None:
    hints = get_type_hints(kind)
    plan = Plan({field.name: hints[field.name] for field in fields(kind)}, TYPES[kind])
    assert sorted(plan.wire_names.values()) == sorted(field.name for field in TYPES[kind].DESCRIPTOR.fields)
    assert {wire_name for name, wire_name in plan.wire_names.items() if name != wire_name} <= set(
        ALIASES.values()
    )


def test_a_type_with_a_field_too_many_or_too_few_is_found_when_its_plan_is_made() -> None:
    with pytest.raises(InvariantBroken, match="has no field for more"):
        Plan({"sequence": int, "reason": str, "at": datetime, "local": bool, "more": int}, wire.Latch)
    with pytest.raises(InvariantBroken, match="has no value for local"):
        Plan({"sequence": int, "reason": str, "at": datetime}, wire.Latch)


def test_a_value_that_may_be_none_needs_a_field_that_may_be_absent() -> None:
    with pytest.raises(InvariantBroken, match="cannot be absent"):
        Plan({"sequence": int | None, "reason": str, "at": datetime, "local": bool}, wire.Latch)


@pytest.mark.parametrize(("kind", "listed"), ENUMS, ids=lambda item: getattr(item, "__name__", ""))
def test_every_member_is_listed_on_the_wire(kind: type[StrEnum], listed: Any) -> None:
    names = [name for name in listed.keys() if not name.endswith("_UNSPECIFIED")]  # noqa: SIM118  # no dict
    assert len(names) == len(kind)
    assert all(any(name.endswith(f"_{member.name}") for name in names) for member in kind)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "reading_stream"])
@given(chosen=st.data())
def test_every_call_and_answer_survives_the_wire(name: str, chosen: st.DataObject) -> None:
    operation = OPERATIONS[name]
    arguments = {key: chosen.draw(values_of(kind)) for key, kind in operation.arguments.items()}
    account = None if operation.place is Place.MANY else "alpha"
    answer = chosen.draw(values_of(NoneType if operation.result is None else operation.result))
    assert operation.unpack(sent(operation.pack(arguments, account))) == (account, arguments)
    assert operation.unpack_answer(sent(operation.pack_answer(answer))) == answer


def test_the_operations_are_those_of_the_protocol_file() -> None:
    service = wire.DESCRIPTOR.services_by_name["Bridge"]
    listed = {m.name: (m.input_type.name, m.output_type.name, m.server_streaming) for m in service.methods}
    assert listed == {
        each.method: (each.call.DESCRIPTOR.name, each.answer.DESCRIPTOR.name, each.stream)
        for each in OPERATIONS.values()
    }


@pytest.mark.parametrize("name", ["eval", "order_send", "__class__", "learn_offset", "", "Submit"])
def test_only_listed_operations_can_be_called(name: str) -> None:
    with pytest.raises(InvalidValue, match="operation"):
        operation_of(name)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda call: call.ClearField("order"), "order"),
        (lambda call: call.ClearField("permit"), "permit"),
        (lambda call: call.permit.ClearField("not_after"), "permit.not_after"),
        (lambda call: call.order.ClearField("created_at"), "order.created_at"),
        (lambda call: call.order.ClearField("side"), "order.side"),
        (lambda call: call.order.ClearField("volume_lots"), "order.volume_lots"),
        (lambda call: setattr(call.order, "side", 99), "order.side"),
        (lambda call: setattr(call.order, "entry", -1), "order.entry"),
        (lambda call: setattr(call.permit.not_after, "nanos", -1), "permit.not_after"),
        (lambda call: setattr(call.permit.not_after, "nanos", 10**9), "permit.not_after"),
        (lambda call: setattr(call.permit.not_after, "seconds", 2**62), "permit.not_after"),
    ],
)
def test_what_is_missing_or_unknown_is_refused_by_name(change: Callable[[Any], None], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        OPERATIONS["submit"].unpack(broken(change))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "NaN", "Infinity", "-inf", "1e5", "0x10", "1_000", "1,5", "+1", ".5", "1.", " 1"),
        *("1\n", "\u0661", "--1", "1" * (DECIMAL_CHARS_MAX + 1)),
    ],
)
@pytest.mark.parametrize("field", ["volume_lots", "price", "stop_loss_price"])
def test_a_malformed_number_is_refused_by_name(field: str, text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        OPERATIONS["submit"].unpack(broken(lambda call: setattr(call.order, field, text)))
    assert refused.value.field == f"order.{field}"


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+99", "1E-99"])
def test_a_number_the_wire_has_no_room_for_is_not_sent(number: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        to_message(make_open_order(volume=Decimal(number)), wire.OpenOrder)
    assert refused.value.field == "volume_lots"


@pytest.mark.parametrize("number", ["1E+3", "1E-12", "0E-8", "0E+3", "-0", "12345678901234567890.123456789"])
def test_a_number_travels_without_its_exponent(number: str) -> None:
    message = to_message(make_open_order(volume=Decimal(number)), wire.OpenOrder)
    assert "E" not in message.volume_lots
    assert from_message(message, OpenOrder).volume == Decimal(number)


@pytest.mark.parametrize("every_s", [float("nan"), float("inf")])
def test_a_number_of_seconds_is_finite(every_s: float) -> None:
    operation = OPERATIONS["reading_stream"]
    with pytest.raises(InvalidValue, match="every_s"):
        operation.pack({"accounts": (), "every_s": every_s})
    with pytest.raises(InvalidValue, match="every_s"):
        operation.unpack(wire.ReadingStreamCall(every_s=every_s))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (make_open_order(magic=2**63), "magic"),
        (make_open_order(magic="1"), "magic"),
        (make_open_order(comment="\ud800"), "comment"),
        (make_open_order(comment=None), "comment"),
        (make_open_order(created_at=NOW.replace(tzinfo=None)), "created_at"),
        (make_open_order(side="up"), "side"),
    ],
)
def test_a_value_of_another_type_or_range_is_not_sent(value: OpenOrder, field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        to_message(value, wire.OpenOrder)
    assert refused.value.field == field


def test_a_magic_of_ours_fits() -> None:
    magic = (1 << 53) - 1
    assert from_message(to_message(make_open_order(magic=magic), wire.OpenOrder), OpenOrder).magic == magic


def test_a_moment_of_another_zone_arrives_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=3)))
    arrived = from_message(to_message(make_open_order(created_at=there), wire.OpenOrder), OpenOrder)
    assert (arrived.created_at, arrived.created_at.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize(
    "level", [wire.Level(), wire.Level(remove=False), wire.Level(price=""), wire.Level(price="NaN")]
)
def test_a_level_that_says_nothing_is_refused(level: wire.Level) -> None:
    with pytest.raises(InvalidValue, match="stop_loss"):
        from_message(wire.ModifyOrder(stop_loss=level), ModifyOrder)


def test_a_level_is_kept_removed_or_set() -> None:
    order = ModifyOrder(
        opening_key="k",
        opening_magic=1 << 52,
        ticket=None,
        stop_loss=Removal.REMOVE,
        take_profit=Decimal("1.2000"),
        price=None,
    )
    assert from_message(sent(to_message(order, wire.ModifyOrder)), ModifyOrder) == order


def test_a_field_of_a_newer_version_is_refused() -> None:
    call = OPERATIONS["submit"].pack({"order": make_open_order(), "permit": PERMIT}, "alpha")
    order = call.order.SerializeToString() + b"\xf8\x7f\x01"  # field 2047
    with pytest.raises(InvalidValue, match="update the older side"):
        OPERATIONS["submit"].unpack(
            wire.SubmitCall.FromString(
                wire.SubmitCall(account="alpha", permit=call.permit).SerializeToString()
                + b"\x12"
                + bytes((len(order),))
                + order
            )
        )


@pytest.mark.parametrize("arguments", [{}, {"token": 1, "other": 2}, {"token": "x"}, {"token": 1.5}])
def test_arguments_that_do_not_fit_are_not_sent(arguments: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        OPERATIONS["positions"].pack(arguments, "alpha")


def test_a_refusal_of_the_bridge_travels_by_its_own_name() -> None:
    outcome = Outcome(state=OrderState.NOT_SENT, sentence="no", denial=DenialReason.SHADOW)
    assert to_message(outcome, wire.Outcome).denial == DenialReason.SHADOW.value
    with pytest.raises(InvalidValue, match="denial"):
        from_message(
            wire.Outcome(
                state=wire.ORDER_STATE_FILLED,
                retry=wire.RETRY_NEVER,
                volume_lots="0",
                denial="no such reason",
            ),
            Outcome,
        )


def test_an_account_that_failed_is_a_sentence_and_one_without_answer_is_refused() -> None:
    operation = OPERATIONS["readings"]
    assert operation.unpack_answer(operation.pack_answer({"alpha": "no turn"})) == {"alpha": "no turn"}
    empty = wire.ReadingsAnswer(answers=[wire.ReadingsAnswer.One(account="alpha")])
    with pytest.raises(InvalidValue, match="answer"):
        operation.unpack_answer(empty)


def test_an_answer_of_another_type_is_not_sent() -> None:
    quote = Quote(symbol="EURUSD", bid=Decimal(1), ask=Decimal(2), at=NOW)
    with pytest.raises(InvalidValue, match="is not of type Reading"):
        OPERATIONS["reading"].pack_answer(quote)
    with pytest.raises(InvalidValue, match="is missing"):
        OPERATIONS["reading"].pack_answer(None)
