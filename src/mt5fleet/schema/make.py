"""Writes schemas and test vectors beside itself; the same every time."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from mt5fleet.domain.account import ProducerKey
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
from mt5fleet.messages import (
    Algorithm,
    SignatureInvalid,
    SigningKey,
    dump_signal,
    open_envelope,
    record_schema,
    sign,
    signal_schema,
    verify,
)
from mt5fleet.schema.record_vectors import record_vectors
from mt5fleet.schema.refused import altered_envelopes

FOLDER = Path(__file__).parent
_AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_KEYS = (
    SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=bytes(range(32))),
    SigningKey(key_id="legacy-1", algorithm=Algorithm.HMAC_SHA256, private=bytes(range(32, 64))),
)


def main() -> None:
    """Write every file."""
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


def rendered() -> dict[str, str]:
    """Every file's name and text."""
    return {
        "signal.schema.json": _text(signal_schema()),
        "vectors.json": _text(vectors()),
        "record.schema.json": _text(record_schema()),
        "record-vectors.json": _text(record_vectors()),
    }


def vectors() -> dict[str, object]:
    """Keys, messages that are accepted with every step on the way, and messages that are refused."""
    return {
        "about": "Test vectors of mt5fleet's signed messages; the keys are public, never use them.",
        "prefix": "mt5fleet-signal-1\n",
        "keys": [_key(key) for key in _KEYS],
        "accepted": [_accepted(name, signal, key) for key in _KEYS for name, signal in _signals().items()],
        "refused": [
            _refused(name, text) for name, text in altered_envelopes(sign(_signals()["open"], _KEYS[0]))
        ],
    }


def producer_key(key: SigningKey) -> ProducerKey:
    """The fleet's side of a test key; a shared secret is named by its key id."""
    public = key.public if key.algorithm is Algorithm.ED25519 else key.key_id
    return ProducerKey(key_id=key.key_id, algorithm=key.algorithm, public=public, valid_from=_AT)


def _key(key: SigningKey) -> dict[str, object]:
    shown: dict[str, object] = {
        "key_id": key.key_id,
        "algorithm": key.algorithm.value,
        "private": base64.b64encode(key.private).decode(),
    }
    return shown if key.algorithm is Algorithm.HMAC_SHA256 else {**shown, "public": key.public}


def _accepted(name: str, signal: Signal, key: SigningKey) -> dict[str, object]:
    envelope = sign(signal, key)
    opened = open_envelope(envelope)
    return {
        "name": f"{name}, {key.algorithm}",
        "key_id": key.key_id,
        "signal": dump_signal(signal),
        "canonical": opened.canonical.decode(),
        "body_hash": opened.body_hash,
        "signature": opened.signature,
        "envelope": envelope,
    }


def _refused(name: str, envelope: str) -> dict[str, object]:
    try:
        verify(open_envelope(envelope), producer_key(_KEYS[0]), lambda _: b"")
    except SignatureInvalid as error:
        return {"name": name, "envelope": envelope, "field": error.field, "why": "signature"}
    except InvalidValue as error:
        return {"name": name, "envelope": envelope, "field": error.field, "why": "schema"}
    raise SystemExit(f"vector '{name}' is accepted")


def _signals() -> dict[str, Signal]:
    return {
        "open": _signal("01KE70EHG00000000000000001", _OPEN, Targets(groups=("all",))),
        "open with parts and every field": _signal(
            "desk-2026-01-05.7",
            _OPEN_PARTS,
            Targets(accounts=("demo-usd-1", "demo-eur-1"), groups=("swing",)),
            {"source": "channel 7", "note": 'Grüße, 5 €, "quoted", back\\slash'},
        ),
        "close half": _signal(
            "01KE70EHG00000000000000002",
            Close(opening_id="01KE70EHG00000000000000001", share=Decimal("0.5")),
            Targets(),
        ),
        "modify": _signal(
            "01KE70EHG00000000000000003",
            Modify(
                opening_id="01KE70EHG00000000000000001",
                stop_loss=Decimal("1.0900"),
                take_profit=Removal.REMOVE,
            ),
            Targets(),
        ),
        "cancel": _signal(
            "01KE70EHG00000000000000004",
            Cancel(opening_id="desk-2026-01-05.7"),
            Targets(accounts=("demo-usd-1",)),
        ),
    }


def _signal(
    signal_id: str, instruction: Instruction, targets: Targets, tags: dict[str, str] | None = None
) -> Signal:
    return Signal(
        id=signal_id,
        producer="desk",
        created_at=_AT,
        valid_until=_AT + timedelta(seconds=60, milliseconds=500),
        targets=targets,
        instruction=instruction,
        approval=Approval(by="ann@example.com", at=_AT - timedelta(seconds=3)),
        tags={} if tags is None else tags,
    )


_OPEN = Open(
    symbol="EURUSD",
    side=Side.BUY,
    entry=Entry.MARKET,
    price=None,
    tolerance=None,
    size=Size(rule=SizeRule.LOTS, value=Decimal("0.10")),
    stop_loss=Decimal("1.0800"),
    take_profits=(TakeProfit(price=None, share=Decimal(1)),),
)
_OPEN_PARTS = Open(
    symbol="#US30.cash",
    side=Side.SELL,
    entry=Entry.LIMIT,
    price=Decimal("44150.5"),
    tolerance=Decimal(10),
    size=Size(rule=SizeRule.RISK_PERCENT, value=Decimal("0.75")),
    stop_loss=Decimal("44300"),
    take_profits=(
        TakeProfit(price=Decimal("44000"), share=Decimal("0.5")),
        TakeProfit(price=Decimal("43800.0"), share=Decimal("0.3")),
        TakeProfit(price=None, share=Decimal("0.2")),
    ),
)


def _text(content: dict[str, object]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
