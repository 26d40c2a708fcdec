"""Real messages become signals whose distances are those of the message."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from examples.approve_signals import RecordedQuote, approve, read_messages
from mt5fleet.domain.signal import Entry, Open, Side

MESSAGES = Path(__file__).resolve().parents[3] / "examples" / "signals" / "telegram_fx_2017_2019.jsonl"
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
QUOTE = RecordedQuote(bid=Decimal("1.18000"), ask=Decimal("1.18020"), digits=5)


def _opened(text: str, **wanted: object) -> Open:
    message = {"id": "m-1", "text": text, "expected": [{"symbol": "EURUSD", **wanted}]}
    (signal,) = approve([message], {"EURUSD": QUOTE}, "desk", "all", NOW)
    assert isinstance(signal.instruction, Open)
    return signal.instruction


def test_distances_of_stop_and_targets_are_kept_on_the_recorded_quote() -> None:
    opened = _opened("sell now", side="SELL", entry=1.0740, sl=1.0810, tp=[1.0670, 1.0620, 1.0570])

    assert (opened.side, opened.entry, opened.price) == (Side.SELL, Entry.MARKET, None)
    assert opened.stop_loss == QUOTE.bid + Decimal("0.0070")
    assert [part.price for part in opened.take_profits] == [Decimal("1.17300"), Decimal("1.16800")]
    assert sum(part.share for part in opened.take_profits) == 1


def test_limit_message_rests_a_tenth_of_its_stop_away() -> None:
    opened = _opened("EURUSD buy LIMIT", side="BUY", entry=1.1000, sl=1.0900, tp=[1.1200])

    assert opened.entry is Entry.LIMIT
    assert opened.price == QUOTE.ask - Decimal("0.0010")
    assert opened.stop_loss == opened.price - Decimal("0.0100")


def test_every_real_message_with_a_quote_becomes_a_valid_signal() -> None:
    messages = read_messages(MESSAGES)
    wanted = [entry["symbol"] for message in messages for entry in message["expected"]]  # type: ignore[attr-defined]  # parsed JSON
    quotes = dict.fromkeys(wanted, RecordedQuote(bid=Decimal("30000"), ask=Decimal("30001"), digits=5))

    signals = list(approve(messages, quotes, "desk", "all", NOW))

    assert len(messages) == 96
    assert len(signals) == len(wanted)
    assert len({signal.id for signal in signals}) == len(signals)


def test_message_without_a_quote_gives_no_signal() -> None:
    message = {"id": "m-1", "text": "", "expected": [{"symbol": "XAUUSD", "side": "BUY"}]}

    assert list(approve([message], {"EURUSD": QUOTE}, "desk", "all", NOW)) == []
