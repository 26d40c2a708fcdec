import base64
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command
from mt5fleet.domain.record import SignalPhase
from mt5fleet.domain.signal import Targets
from mt5fleet.messages import SigningKey
from mt5fleet.ports.ledger import PostResult, Pushed
from mt5fleet.service.submit import Submit
from mt5fleet.testing.builders import (
    SIGNING_KEY,
    make_account,
    make_close,
    make_open,
    make_producer,
    make_rights,
    make_signal,
    signed,
)
from mt5fleet.testing.memory_ledger import MemoryLedger
from tests.unit.service.rig import Rig, Worker

S = OrderState
ALPHA, BETA = make_account("alpha", login=1), make_account("beta", login=2)


def dead_reason(rig: Rig, signal_id: str = "S1") -> str:
    letter = rig.ledger.status(signal_id).dead_letter
    return "" if letter is None else f"{letter.reason}: {letter.field}"


def test_signal_becomes_one_command_per_account_and_part() -> None:
    rig = Rig(ALPHA, BETA)
    rig.post(rig.signal("S1", make_open(shares=("0.5", "0.5")), accounts=("alpha", "beta")))

    report = rig.take_in()

    assert (report.accepted, report.refused, report.commands, report.reason) == (1, 0, 4, "")
    assert [(order.account, order.part) for order in rig.orders()] == [
        ("alpha", 0),
        ("alpha", 1),
        ("beta", 0),
        ("beta", 1),
    ]


def test_wake_ups_are_sent_once_per_batch_with_urgent_ones_apart() -> None:
    rig = Rig(ALPHA, BETA)
    for number in range(5):
        rig.post(rig.signal(f"S{number}", accounts=("alpha", "beta")))
    rig.take_in()
    assert rig.waker.execution == [("alpha", "beta")]

    rig.drain("alpha")
    rig.post(rig.signal("C1", make_close("S0"), accounts=("alpha",)))
    rig.take_in()
    assert rig.waker.urgent == [("alpha",)]


def test_same_message_posted_again_exists(rig: Rig) -> None:
    envelope = signed(rig.signal())
    submit = Submit(rig.ledger, rig.waker)

    first, second = submit.run(envelope), submit.run(envelope)

    assert (first.result, second.result) == (PostResult.POSTED, PostResult.EXISTS)
    assert (first.wake, second.wake, rig.waker.intakes) == (True, False, 1)


def test_same_id_with_another_body_is_a_conflict_and_alerted(rig: Rig) -> None:
    submit = Submit(rig.ledger, rig.waker)
    submit.run(signed(rig.signal()))

    posted = submit.run(signed(rig.signal("S1", make_open(lots="5"))))

    assert posted.result is PostResult.CONFLICT
    assert rig.alerts() == ["One signal id, two bodies"]


def test_bad_entries_are_dead_lettered_and_the_rest_goes_on(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.ledger.post("bad", "hash", "not json")
    rig.post(rig.signal("S2"))
    rig.ledger.post("other", "hash", signed(rig.signal("S9")))
    rig.post(rig.signal("S3"))

    report = rig.take_in()

    assert (report.accepted, report.refused) == (3, 2)
    assert dead_reason(rig, "bad") == "schema_invalid: envelope"
    assert dead_reason(rig, "other") == "schema_invalid: id"
    assert rig.ledger.status("bad").phase is SignalPhase.REFUSED


def test_failing_entry_does_not_stop_the_others(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(MemoryLedger):
        def record_of(self, signal_id: str) -> None:
            if signal_id == "S1":
                raise RuntimeError("unexpected")

    failing = Failing(rig.clock)
    failing._memory = rig.ledger._memory
    for name in ("S1", "S2"):
        rig.post(rig.signal(name))

    report = Worker(rig, failing, rig.gateway).intake.run("worker")

    assert (report.accepted, report.refused) == (1, 1)
    assert dead_reason(rig) == "unreadable: envelope"


def tampered(rig: Rig) -> str:
    return signed(rig.signal()).replace('"0.10"', '"9.10"')


def test_altered_message_is_refused(rig: Rig) -> None:
    Submit(rig.ledger, rig.waker).run(tampered(rig))

    rig.take_in()

    assert dead_reason(rig) == "signature_invalid: signature"
    assert rig.alerts() == ["Signal refused: signature_invalid"]


def test_message_of_an_unknown_key_is_refused(rig: Rig) -> None:
    other = SigningKey(key_id="x", algorithm=SIGNING_KEY.algorithm, private=bytes(32))
    Submit(rig.ledger, rig.waker).run(signed(rig.signal(), other))

    rig.take_in()

    assert dead_reason(rig) == "signature_invalid: key_id"


def test_revoked_key_is_refused_at_intake_and_before_the_order(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.take_in()
    producer = make_producer()
    revoked = replace(producer.keys[0], revoked_at=rig.clock.now())
    rig.ledger.put_producer(replace(producer, keys=(revoked,)))
    rig.post(rig.signal("S2"))

    rig.take_in()
    rig.drain()

    assert dead_reason(rig, "S2") == "key_revoked: key_id"
    assert [(order.state, order.reason) for order in rig.orders("S1")] == [(S.DENIED, "key_revoked")]


def test_key_that_has_run_out_vouches_for_what_it_signed_in_time(rig: Rig) -> None:
    producer = make_producer()
    ended = replace(producer.keys[0], valid_until=rig.clock.now())
    rig.ledger.put_producer(replace(producer, keys=(ended,)))
    rig.post(rig.signal("S1"))
    rig.clock.advance_s(1)
    rig.post(rig.signal("S2"))

    rig.take_in()

    assert dead_reason(rig, "S1") == ""
    assert dead_reason(rig, "S2") == "key_revoked: key_id"


@pytest.mark.parametrize(
    ("ahead_s", "valid_s", "expected"),
    [
        (5, 60, ""),
        (5.1, 60, "not_yet_valid: created_at"),
        (0, 7 * 86_400, ""),
        (0, 7 * 86_400 + 1, "ttl_too_long: valid_until"),
        (-40, 40, "expired: valid_until"),
        (-40, 41, ""),
    ],
)
def test_moments_are_held_against_the_ledgers_clock(
    rig: Rig, ahead_s: float, valid_s: float, expected: str
) -> None:
    created_at = rig.clock.now() + timedelta(seconds=ahead_s)
    rig.post(make_signal(created_at=created_at, valid_s=valid_s))

    rig.take_in()

    assert dead_reason(rig) == expected


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (make_rights(accounts=("beta",)), "right_missing: targets"),
        (make_rights(symbols=("USDJPY",)), "right_missing: open.symbol"),
        (make_rights(volume_lots_max=Decimal("0.09")), "right_missing: open.size"),
        (make_rights(signals_per_minute_max=0), "rate_exceeded: producer"),
        (make_rights(accounts=("alpha",), symbols=("EURUSD",), volume_lots_max=Decimal("0.10")), ""),
    ],
)
def test_rights_limit_a_producer(rig: Rig, rights: object, expected: str) -> None:
    rig.ledger.put_producer(replace(make_producer(), rights=rights))
    rig.post(rig.signal())

    rig.take_in()

    assert dead_reason(rig) == expected


def test_symbol_right_covers_closes_too(rig: Rig) -> None:
    rig.execute("S1")
    rig.ledger.put_producer(make_producer(make_rights(symbols=("USDJPY",))))
    rig.post(rig.signal("C1", make_close()))

    rig.take_in()

    assert dead_reason(rig, "C1") == "right_missing: open.symbol"


def test_groups_are_resolved_as_of_the_signals_creation() -> None:
    rig = Rig(ALPHA, BETA)
    rig.tell(both=("alpha",))
    signal = replace(rig.signal(), targets=Targets(groups=("both",)))
    rig.clock.advance_s(1)
    rig.tell(both=("alpha", "beta"))
    rig.post(signal)

    rig.take_in()

    assert [order.account for order in rig.orders()] == ["alpha"]
    record = rig.ledger.record_of("S1")
    assert record is not None
    assert list(record.groups) == ["both"]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (Targets(accounts=("gamma",)), "target_unknown: targets.accounts"),
        (Targets(groups=("none",)), "target_unknown: targets.groups"),
        (Targets(groups=("empty",)), "targets_empty: targets"),
    ],
)
def test_targets_that_name_nothing_are_refused(rig: Rig, targets: Targets, expected: str) -> None:
    rig.tell(empty=())
    rig.post(replace(rig.signal(), targets=targets))

    rig.take_in()

    assert dead_reason(rig) == expected


def test_close_without_targets_reaches_every_order_of_its_opening() -> None:
    rig = Rig(ALPHA, BETA)
    rig.post(rig.signal("S1", make_open(shares=("0.5", "0.5")), accounts=("alpha", "beta")))
    rig.post(replace(rig.signal("C1", make_close()), targets=Targets()))

    rig.take_in()

    openings = [(order.account, order.part) for order in rig.orders("S1")]
    assert [(order.account, order.part) for order in rig.orders("C1")] == openings


def test_close_of_an_unknown_opening_needs_accounts(rig: Rig) -> None:
    rig.post(replace(rig.signal("C1", make_close("S9")), targets=Targets()))
    rig.post(rig.signal("C2", make_close("S9")))

    rig.take_in()

    assert dead_reason(rig, "C1") == "opening_unknown: targets"
    assert len(rig.orders("C2")) == 5


def test_close_on_an_account_that_the_opening_never_named_is_refused() -> None:
    rig = Rig(ALPHA, BETA)
    rig.post(rig.signal("S1", accounts=("alpha",)))
    rig.post(rig.signal("C1", make_close(), accounts=("beta",)))

    rig.take_in()

    assert dead_reason(rig, "C1") == "opening_unknown: targets.accounts"


def test_fleet_that_was_told_nothing_accepts_nothing_and_alerts_once(rig: Rig) -> None:
    rig.ledger.wipe()
    rig.post(rig.signal())

    for _ in range(3):
        assert rig.take_in().reason == "the fleet was told nothing yet"

    assert rig.alerts() == ["The fleet was told nothing"]
    assert rig.ledger.log_backlog()[0] == 1


def test_ledger_failure_while_pushing_settles_nothing(rig: Rig) -> None:
    class Failing(MemoryLedger):
        def push_many(self, intake_token: int, commands: dict[str, tuple[Command, ...]]) -> dict[str, Pushed]:
            raise LedgerUnavailable("no answer")

    failing = Failing(rig.clock)
    failing._memory = rig.ledger._memory
    rig.post(rig.signal())

    with pytest.raises(LedgerUnavailable):
        Worker(rig, failing, rig.gateway).intake.run("worker")

    assert rig.ledger.log_backlog()[0] == 1
    rig.clock.advance_s(6)
    rig.take_in()
    assert rig.states() == [S.RECEIVED]


def test_second_intake_owner_stands_by(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.ledger.acquire_log("rival", 5_000)

    assert rig.take_in().reason == "another worker takes in"


def test_unreadable_signature_text_is_refused_without_showing_it(rig: Rig) -> None:
    envelope = signed(rig.signal())
    signature = envelope.split('"signature":"')[1].split('"')[0]
    broken = envelope.replace(signature, base64.b64encode(b"x").decode())
    Submit(rig.ledger, rig.waker).run(broken)

    rig.take_in()

    assert dead_reason(rig) == "signature_invalid: signature"


def test_refusal_that_was_told_stands_when_intake_dies_before_it_settles(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = rig.signal("S1", valid_s=600)
    rig.post(replace(early, created_at=early.created_at + timedelta(seconds=30)))

    def lost(*_: object) -> None:
        raise LedgerUnavailable("the connection broke")

    with monkeypatch.context() as broken:
        broken.setattr(rig.ledger, "settle", lost)
        with pytest.raises(LedgerUnavailable):
            rig.take_in()
    assert dead_reason(rig) == "not_yet_valid: created_at"

    rig.clock.advance_s(60)
    rig.settle_all(steps=2)

    assert rig.ledger.status("S1").phase is SignalPhase.REFUSED
    assert rig.sent() == 0
    assert rig.ledger.log_backlog()[0] == 0
