import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mt5fleet.domain.account import ProducerKey
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import (
    Approval,
    Close,
    Entry,
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
    ENVELOPE_BYTES_MAX,
    Algorithm,
    SignatureInvalid,
    SigningKey,
    dump_signal,
    load_signal,
    new_signal_id,
    open_envelope,
    sign,
    verify,
)
from mt5fleet.testing.clock import ManualClock

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
KEY = SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=b"k" * 32)
SHARED = SigningKey(
    key_id="old-1", algorithm=Algorithm.HMAC_SHA256, private=b"PLANTED-shared-secret-of-32-bytes"
)


def _signal(instruction: object = None, **changes: object) -> Signal:
    opening = Open(
        symbol="EURUSD",
        side=Side.BUY,
        entry=Entry.MARKET,
        price=None,
        tolerance=None,
        size=Size(rule=SizeRule.LOTS, value=Decimal("0.10")),
        stop_loss=Decimal("1.08"),
        take_profits=(TakeProfit(price=None, share=Decimal(1)),),
    )
    fields = {
        "id": "S1",
        "producer": "desk",
        "created_at": AT,
        "valid_until": AT + timedelta(seconds=60),
        "targets": Targets(accounts=("a",)),
        "approval": Approval(by="ann", at=AT),
        "instruction": opening if instruction is None else instruction,
    }
    return Signal(**{**fields, **changes})


def _public(key: SigningKey) -> ProducerKey:
    public = key.public if key.algorithm is Algorithm.ED25519 else "OLD_SECRET"
    return ProducerKey(key_id=key.key_id, algorithm=key.algorithm, public=public, valid_from=AT)


def test_signature_is_made_over_prefix_and_canonical_json() -> None:
    opened = open_envelope(sign(_signal(), KEY))

    content = json.loads(opened.envelope)
    signature = base64.b64decode(content.pop("signature"))
    # This body holds ASCII texts only, so sorted compact JSON is its RFC 8785 form.
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    Ed25519PrivateKey.from_private_bytes(KEY.private).public_key().verify(
        signature, b"mt5fleet-signal-1\n" + canonical
    )
    assert opened.body_hash == hashlib.sha256(canonical).hexdigest()


def test_shared_secret_signs_with_hmac_sha256() -> None:
    opened = open_envelope(sign(_signal(), SHARED))

    verify(opened, _public(SHARED), {"OLD_SECRET": SHARED.private}.__getitem__)
    expected = hmac.digest(SHARED.private, b"mt5fleet-signal-1\n" + opened.canonical, hashlib.sha256)
    assert base64.b64decode(opened.signature) == expected


def test_other_spelling_of_the_envelope_has_the_same_body() -> None:
    envelope = sign(_signal(), KEY)
    spelt = json.dumps(dict(reversed(json.loads(envelope).items())), indent=3)

    first, second = open_envelope(envelope), open_envelope(spelt)

    verify(second, _public(KEY), lambda _: b"")
    assert first.body_hash == second.body_hash


def test_every_changed_byte_of_the_signal_breaks_the_signature() -> None:
    envelope = sign(_signal(), KEY)
    content = json.loads(envelope)

    for place in range(len(content["signature"]) - 4):
        letter = "A" if content["signature"][place] != "A" else "B"
        altered = {
            **content,
            "signature": content["signature"][:place] + letter + content["signature"][place + 1 :],
        }
        with pytest.raises(SignatureInvalid):
            verify(open_envelope(json.dumps(altered)), _public(KEY), lambda _: b"")


def test_key_of_another_algorithm_is_not_tried() -> None:
    forged = SigningKey(
        key_id="desk-1", algorithm=Algorithm.HMAC_SHA256, private=base64.b64decode(KEY.public)
    )

    opened = open_envelope(sign(_signal(), forged))

    with pytest.raises(SignatureInvalid, match="algorithm"):
        verify(opened, _public(KEY), lambda _: base64.b64decode(KEY.public))


def test_public_key_that_is_none_is_refused() -> None:
    broken = ProducerKey(key_id="desk-1", algorithm="ed25519", public="AAAA", valid_from=AT)

    with pytest.raises(SignatureInvalid, match=r"key\.public"):
        verify(open_envelope(sign(_signal(), KEY)), broken, lambda _: b"")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_short_key_is_refused(algorithm: Algorithm) -> None:
    with pytest.raises(InvalidValue, match="bytes"):
        SigningKey(key_id="k", algorithm=algorithm, private=b"x" * 31)


def test_key_material_shows_nowhere() -> None:
    shown = [repr(SHARED), str(SHARED), repr(open_envelope(sign(_signal(), SHARED)))]
    other = SigningKey(key_id="old-1", algorithm=Algorithm.HMAC_SHA256, private=b"x" * 32)
    with pytest.raises(SignatureInvalid) as refused:
        verify(open_envelope(sign(_signal(), other)), _public(SHARED), lambda _: SHARED.private)

    shown += [str(refused.value), repr(refused.value)]
    material = (SHARED.private.decode(), base64.b64encode(SHARED.private).decode(), SHARED.private.hex())
    assert not [text for text in shown for secret in material if secret in text]


def test_oversize_envelope_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidValue, match="envelope: is over"):
        open_envelope(" " * (ENVELOPE_BYTES_MAX + 1))


def test_oversize_signal_cannot_be_signed() -> None:
    accounts = tuple(f"account-number-{place:05}-of-a-large-fan-out" for place in range(2000))

    with pytest.raises(InvalidValue, match="name groups, not accounts"):
        sign(_signal(targets=Targets(accounts=accounts)), KEY)


@pytest.mark.parametrize(
    "text", ["[" * 60_000, '{"a":' * 10_000, "\ud800", '{"schema":' + "9" * 5000 + "}", "", "null"]
)
def test_hostile_text_is_refused_as_a_value(text: str) -> None:
    with pytest.raises(InvalidValue):
        open_envelope(text)


def test_long_field_name_is_cut_in_the_error() -> None:
    content = json.loads(sign(_signal(), KEY))
    content["signal"]["x" * 10_000] = "1"

    with pytest.raises(InvalidValue) as refused:
        open_envelope(json.dumps(content))

    assert len(str(refused.value)) < 200


def test_misplaced_secret_is_not_repeated_in_the_error() -> None:
    content = json.loads(sign(_signal(), KEY))
    content["key_id"] = "PLANTED secret"
    content["signal"]["producer"] = "PLANTED secret"

    with pytest.raises(InvalidValue) as refused:
        open_envelope(json.dumps(content))

    assert "PLANTED" not in str(refused.value)


prices = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100_000), places=5)


@given(stop=prices, target=st.one_of(st.just(Removal.REMOVE), prices), price=st.none() | prices)
def test_any_modify_comes_back_as_it_was_sent(
    stop: Decimal, target: Decimal | Removal, price: Decimal | None
) -> None:
    signal = _signal(Modify(opening_id="S0", stop_loss=stop, take_profit=target, price=price))

    assert load_signal(json.loads(json.dumps(dump_signal(signal)))) == signal


@given(volume=st.decimals(min_value=Decimal("1e-10"), max_value=Decimal(999), places=10))
def test_any_volume_is_written_without_exponent(volume: Decimal) -> None:
    content = dump_signal(_signal(Close(opening_id="S0", volume_lots=volume)))

    assert "E" not in content["close"]["volume_lots"]
    assert load_signal(content).instruction == Close(opening_id="S0", volume_lots=volume)


def test_more_decimals_than_the_wire_holds_are_refused_not_rounded() -> None:
    with pytest.raises(InvalidValue, match=r"close\.volume_lots"):
        dump_signal(_signal(Close(opening_id="S0", volume_lots=Decimal("0.12345678901"))))


def test_local_moment_is_written_in_utc() -> None:
    local = AT.astimezone(datetime.fromisoformat("2026-01-05T12:00:00+05:30").tzinfo)

    assert dump_signal(_signal(created_at=local))["created_at"] == "2026-01-05T12:00:00Z"


def test_ids_are_ordered_by_time_and_differ_within_one_moment() -> None:
    clock, chance = ManualClock(AT), Random(7)

    first = [new_signal_id(clock, chance) for _ in range(100)]
    clock.advance_s(0.001)
    later = new_signal_id(clock, chance)

    assert len(set(first)) == 100
    assert all(len(one) == 26 and one < later for one in first)
    assert new_signal_id(ManualClock(AT), Random(7)) == first[0]
