import json
from dataclasses import replace
from pathlib import Path

import pytest

from mt5fleet.domain.errors import LedgerFull, LedgerUnavailable
from mt5fleet.domain.record import DeadLetter, SignalPhase
from mt5fleet.messages import dump_signal, open_envelope, sign
from tests.unit.cli.conftest import KEY, World


def _file(world: World, *lines: object) -> Path:
    path = world.folder / "signals.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_unsigned_lines_are_signed_and_posted_in_order(told: World) -> None:
    signals = [told.opening() for _ in range(250)]
    path = _file(told, *(dump_signal(one) for one in signals))

    result = told.run("signals", "submit", path, "--key", told.key_file())

    assert result.code == 0
    assert "posted=250" in result.out
    lease = told.ledger.acquire_log("test", 1000)
    entries = told.ledger.waiting(lease, 1000)
    assert [entry.signal_id for entry in entries] == [one.id for one in signals]
    assert open_envelope(entries[0].envelope).key_id == "desk-1"


def test_signed_lines_need_no_key(told: World) -> None:
    path = _file(told, sign(told.opening(), KEY))

    assert told.run("signals", "submit", path).code == 0


def test_same_file_twice_posts_nothing_new(told: World) -> None:
    path = _file(told, dump_signal(told.opening()))
    told.run("signals", "submit", path, "--key", told.key_file())

    again = told.run("signals", "submit", path, "--key", told.key_file(), "--json")

    assert again.code == 0
    assert again.json == {
        "posted": 0,
        "exists": 1,
        "conflicts": 0,
        "refused_lines": 0,
        "stopped": None,
        "durability": "recorded",
    }


def test_durable_submit_tells_what_was_confirmed(told: World) -> None:
    path = _file(told, dump_signal(told.opening()))

    result = told.run("signals", "submit", path, "--key", told.key_file(), "--durable")

    assert "durability=fsynced" in result.out


def test_standard_input_is_read_with_a_dash(told: World) -> None:
    result = told.run(
        "signals", "submit", "-", "--key", told.key_file(), typed=json.dumps(dump_signal(told.opening()))
    )

    assert (result.code, "posted=1" in result.out) == (0, True)


def test_bad_lines_are_named_and_the_others_posted(told: World) -> None:
    good = dump_signal(told.opening())
    path = _file(
        told,
        "no json",
        good,
        "",
        {**good, "id": "S2", "open": {**good["open"], "stop_loss": 1.5}},
        "[]",
        {**good, "id": "S3", "producer": "other"},
        '{"id": "a", "id": "b"}',
        "x" * 70_000,
    )

    result = told.run("signals", "submit", path, "--key", told.key_file())

    assert result.code == 1
    assert "posted=1 exists=0 conflicts=0 refused_lines=6" in result.out
    assert "line 4: open.stop_loss: must be a string" in result.err
    assert "line 6: producer: is other" in result.err


def test_unsigned_line_without_key_says_what_to_do(told: World) -> None:
    result = told.run("signals", "submit", _file(told, dump_signal(told.opening())))

    assert result.code == 1
    assert "--key FILE" in result.err


def test_conflict_is_named_and_the_others_posted(told: World) -> None:
    first = told.opening()
    other = replace(first, tags={"x": "y"})
    path = _file(told, *(dump_signal(one) for one in (first, other, told.opening())))

    result = told.run("signals", "submit", path, "--key", told.key_file())

    assert result.code == 1
    assert "posted=2 exists=0 conflicts=1" in result.out
    assert first.id in result.err


@pytest.mark.parametrize(("error", "code"), [(LedgerUnavailable("no answer"), 4), (LedgerFull("full"), 1)])
def test_ledger_that_takes_nothing_stops_the_file(
    told: World, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(told.ledger, "post", refuse)

    result = told.run("signals", "submit", _file(told, dump_signal(told.opening())), "--key", told.key_file())

    assert result.code == code
    assert "Running the same command again is safe" in result.err
    assert "stopped" in result.out


def test_missing_file_and_key_are_refused_by_name(told: World) -> None:
    assert "nowhere" in told.run("signals", "submit", "nowhere.jsonl").err
    assert "nokey" in told.run("signals", "submit", "-", "--key", "nokey").err


def test_address_on_the_command_line_needs_no_fleet_file(told: World, tmp_path: Path) -> None:
    told.run("signals", "show", "S", "--redis", "redis://elsewhere/1", "--fleet", tmp_path / "none.toml")

    assert told.urls[-1] == "redis://elsewhere/1"


def test_show_tells_the_story_with_numbers_and_times(told: World) -> None:
    signal = told.executed()

    result = told.run("signals", "show", signal.id)

    assert result.code == 0
    for shown in (
        f"signal {signal.id}: final",
        "desk (key desk-1)",
        "group all",
        "rule=lots value=0.1",
        "account demo-usd-1",
        "part 0: FILLED",
        "order 77",
        "retcode 10009",
        "0.10 lots at 1.08015",
        "begun +12.0 ms",
        "sent +30.0 ms",
        "finished +4.0 ms",
        "spread_points=12",
    ):
        assert shown in result.out, shown


def test_texts_from_outside_are_not_read_as_markup(told: World) -> None:
    assert "[bold]x[/bold]" in told.run("signals", "show", told.executed().id).out


def test_show_json_holds_message_orders_and_events(told: World) -> None:
    signal = told.executed()

    shown = told.run("signals", "show", signal.id, "--json").json

    assert shown["phase"] == "final"
    assert shown["signal"] == dump_signal(signal)
    assert shown["orders"][0]["order"]["outcome"]["deal_ticket"] == 78
    assert list(shown["orders"][0]["moments"]) == [
        "created",
        "recorded",
        "queued",
        "begun",
        "sent",
        "finished",
    ]
    assert "order_filled" in [event["event"]["type"] for event in shown["events"]]


def test_show_of_a_refused_signal_names_field_and_rule(told: World) -> None:
    envelope = sign(told.opening(signal_id="BAD"), KEY)
    told.ledger.post("BAD", "h", envelope)
    lease = told.ledger.acquire_log("test", 1000)
    (entry,) = told.ledger.waiting(lease, 10)
    letter = DeadLetter(
        seq=entry.seq,
        at=told.clock.now(),
        signal_id="BAD",
        producer="desk",
        reason="right_missing",
        field="open.symbol",
        rule="is not among the producer's symbols",
        envelope=envelope,
    )
    told.ledger.bury(lease, letter, None)

    shown = told.run("signals", "show", "BAD")
    listed = told.run("deadletters", "list")

    for text in (shown.out, listed.out):
        assert "right_missing" in text
        assert "open.symbol" in text
    assert told.run("deadletters", "list", "--json").json[0]["rule"] == letter.rule


def test_show_of_a_posted_signal_tells_its_phase(told: World) -> None:
    told.run(
        "signals", "submit", _file(told, dump_signal(told.opening(signal_id="S7"))), "--key", told.key_file()
    )

    assert "signal S7: posted" in told.run("signals", "show", "S7").out


def test_show_of_an_unknown_signal_is_refused(told: World) -> None:
    result = told.run("signals", "show", "S9")

    assert (result.code, "does not know it" in result.err) == (1, True)
    assert told.run("signals", "show", "S9", "--json").json["phase"] == "unknown"


def test_cancel_posts_a_signed_cancel(told: World) -> None:
    result = told.run("signals", "cancel", "S1", "--key", told.key_file())

    lease = told.ledger.acquire_log("test", 1000)
    (entry,) = told.ledger.waiting(lease, 10)
    assert result.code == 0
    assert entry.signal_id in result.out
    assert open_envelope(entry.envelope).signal.instruction.opening_id == "S1"


def test_spooled_signals_are_posted_again_after_a_loss(told: World) -> None:
    path = _file(told, *(dump_signal(told.opening()) for _ in range(3)))
    told.run("signals", "submit", path, "--key", told.key_file(), "--spool", "kept.spool")
    told.ledger.wipe()
    told.clock.advance_s(1)

    result = told.run("signals", "resend", "--spool", "kept.spool")

    assert (result.code, result.out.strip()) == (0, "posted=3 waiting=0 settled=0")
    assert told.ledger.log_backlog()[0] == 3


def test_missing_spool_is_refused_not_made(told: World) -> None:
    assert told.run("signals", "resend", "--spool", "none.spool").code == 1
    assert not (told.folder / "none.spool").exists()


def test_follow_ends_with_the_final_status(told: World) -> None:
    result = told.run("signals", "follow", told.executed().id)

    assert (result.code, result.out.strip()) == (0, "final: demo-usd-1/0 FILLED")


def test_follow_that_runs_out_of_time_is_not_a_final_answer(told: World) -> None:
    told.run(
        "signals", "submit", _file(told, dump_signal(told.opening(signal_id="S7"))), "--key", told.key_file()
    )

    result = told.run("signals", "follow", "S7", "--timeout", "1", "--json")

    assert result.code == 1
    assert "still alive" in result.err
    assert result.json["phase"] == SignalPhase.POSTED
