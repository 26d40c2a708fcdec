"""A signal to its JSON object and back; the domain's own rules are checked by its constructors."""

import random
from dataclasses import fields
from decimal import Decimal

from ulid import ULID

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import (
    Approval,
    Cancel,
    Close,
    Entry,
    Instruction,
    Modify,
    Open,
    Removal,
    Side,
    Signal,
    Size,
    SizeRule,
    TakeProfit,
    Targets,
)
from mt5fleet.messages import wire
from mt5fleet.messages.moments import moment_text, read_moment
from mt5fleet.ports.clock import Clock

_CHANCE_BITS = 80  # random part of a ULID (ULID specification, "Components")


def new_signal_id(clock: Clock, chance: random.Random) -> str:
    """A ULID: ten characters order by time, the rest is chance (`random.SystemRandom()` outside tests)."""
    moment_ms = int(clock.now().timestamp() * 1000)
    return str(ULID.from_int((moment_ms << _CHANCE_BITS) | chance.getrandbits(_CHANCE_BITS)))


def load_signal(content: object) -> Signal:
    """A signal from its JSON object; raises InvalidValue naming field and rule."""
    body = wire.signal_body(content)
    return Signal(
        id=body.id,
        producer=body.producer,
        created_at=read_moment("created_at", body.created_at),
        valid_until=read_moment("valid_until", body.valid_until),
        targets=Targets(accounts=tuple(body.targets.accounts), groups=tuple(body.targets.groups)),
        instruction=_instruction(body),
        approval=Approval(by=body.approval.by, at=read_moment("approval.at", body.approval.at)),
        tags=_tags(body.tags),
    )


def dump_signal(signal: Signal) -> dict[str, object]:
    """The JSON object of a signal; raises InvalidValue when the wire has no room for it."""
    content: dict[str, object] = {
        "id": signal.id,
        "producer": signal.producer,
        "created_at": moment_text("created_at", signal.created_at),
        "valid_until": moment_text("valid_until", signal.valid_until),
        "targets": {"accounts": list(signal.targets.accounts), "groups": list(signal.targets.groups)},
        "verb": signal.verb.value,
        signal.verb.value: _instruction_object(signal.instruction),
        "approval": {"by": signal.approval.by, "at": moment_text("approval.at", signal.approval.at)},
        "tags": dict(signal.tags),
    }
    wire.signal_body(content)
    return content


def _instruction(
    body: wire.OpenSignal | wire.CloseSignal | wire.ModifySignal | wire.CancelSignal,
) -> Instruction:
    match body:
        case wire.OpenSignal(open=opening):
            return _open(opening)
        case wire.CloseSignal(close=close):
            return Close(
                opening_id=close.opening_id,
                volume_lots=_number(close.volume_lots),
                share=_number(close.share),
            )
        case wire.ModifySignal(modify=modify):
            return Modify(
                opening_id=modify.opening_id,
                stop_loss=_level(modify.stop_loss),
                take_profit=_level(modify.take_profit),
                price=_number(modify.price),
            )
        case wire.CancelSignal(cancel=cancel):
            return Cancel(opening_id=cancel.opening_id)


def _tags(tags: dict[str, str]) -> dict[str, str]:
    for name, text in tags.items():
        if not text.isprintable():  # hidden characters could change what a person sees
            raise InvalidValue(f"tags.{name}", "must be printable")
    return dict(tags)


def _open(body: wire.OpenBody) -> Open:
    return Open(
        symbol=body.symbol,
        side=Side(body.side),
        entry=Entry(body.entry),
        price=_number(body.price),
        tolerance=_number(body.tolerance),
        size=Size(rule=SizeRule(body.size.rule), value=Decimal(body.size.value)),
        stop_loss=_number(body.stop_loss),
        take_profits=tuple(
            TakeProfit(price=_number(part.price), share=Decimal(part.share)) for part in body.take_profits
        ),
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _level(text: str | None) -> Decimal | Removal | None:
    return Removal.REMOVE if text == Removal.REMOVE else _number(text)


def _instruction_object(instruction: Instruction) -> dict[str, object]:
    """The verb's own object; what is None is left out."""
    shown = {field.name: _shown(getattr(instruction, field.name)) for field in fields(instruction)}
    return {name: value for name, value in shown.items() if value is not None}


def _shown(value: object) -> object:
    match value:
        case Decimal():
            return format(value, "f")
        case Size():
            return {"rule": value.rule.value, "value": format(value.value, "f")}
        case tuple():
            return [_part(part) for part in value]
        case _:
            return value


def _part(part: TakeProfit) -> dict[str, str]:
    share = {"share": format(part.share, "f")}
    return share if part.price is None else {"price": format(part.price, "f"), **share}
