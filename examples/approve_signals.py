"""Turn recorded channel messages into approved signals.

Symbol, side and the distances of stop and targets are kept.

    python examples/approve_signals.py MESSAGES.jsonl QUOTES.json PRODUCER GROUP > approved.jsonl

QUOTES.json maps a symbol to {"bid": "...", "ask": "...", "digits": n}; `mt5fleet simulator quotes --json`
prints it.
The levels of a message are of its year; they are moved so that the entry stands on the quote of the
recording.
A message that says "limit" becomes a resting order a tenth of its stop's distance from the market; every
other one enters
at the market. Several targets become parts of equal shares.
The output is one unsigned signal a line, for `mt5fleet signals submit`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from mt5fleet.domain.signal import Approval, Entry, Open, Side, Signal, Size, SizeRule, TakeProfit, Targets
from mt5fleet.messages import dump_signal

VALID_S = 60  # a market entry older than a minute is another trade
LIMIT_DISTANCE = Decimal(
    "0.1"
)  # of the stop's distance: near enough to be met by a recording of some minutes
LOTS = Decimal("0.02")  # small, and enough for two parts of the smallest lot


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedQuote:
    """Bid and ask of the recording, and the symbol's digits."""

    bid: Decimal
    ask: Decimal
    digits: int


def approve(
    messages: list[dict[str, object]],
    quotes: Mapping[str, RecordedQuote],
    producer: str,
    group: str,
    now: datetime,
) -> Iterator[Signal]:
    """One signal for each expected entry of each message whose symbol has a quote."""
    for message in messages:
        for number, wanted in enumerate(message["expected"]):  # type: ignore[call-overload, var-annotated, arg-type]  # parsed JSON
            quote = quotes.get(wanted["symbol"])
            if quote is None:
                continue
            yield Signal(
                id=f"{message['id']}.{number}.{now:%H%M%S}",
                producer=producer,
                created_at=now,
                valid_until=now + timedelta(seconds=VALID_S),
                targets=Targets(groups=(group,)),
                instruction=_moved(wanted, quote, resting="limit" in str(message["text"]).lower()),
                approval=Approval(by="desk", at=now),
                tags={"source": "telegram"},
            )


def _moved(wanted: dict[str, object], quote: RecordedQuote, *, resting: bool) -> Open:
    side = Side(str(wanted["side"]).lower())
    sign = 1 if side is Side.BUY else -1
    entry, stop = Decimal(str(wanted["entry"])), Decimal(str(wanted["sl"]))
    market = quote.ask if side is Side.BUY else quote.bid
    price = market - sign * abs(entry - stop) * LIMIT_DISTANCE if resting else market
    step = Decimal(1).scaleb(-quote.digits)
    targets = [price + sign * abs(Decimal(str(level)) - entry) for level in wanted["tp"]]  # type: ignore[attr-defined]  # parsed JSON
    return Open(
        symbol=str(wanted["symbol"]),
        side=side,
        entry=Entry.LIMIT if resting else Entry.MARKET,
        price=price.quantize(step) if resting else None,
        tolerance=None,
        size=Size(rule=SizeRule.LOTS, value=LOTS),
        stop_loss=(price - sign * abs(entry - stop)).quantize(step),
        take_profits=_shared([target.quantize(step) for target in targets]),
    )


def _shared(targets: list[Decimal]) -> tuple[TakeProfit, ...]:
    kept: list[Decimal | None] = [*targets[:2]] or [None]
    share = (Decimal(1) / len(kept)).quantize(Decimal("0.01"), ROUND_DOWN)
    shares = [share] * (len(kept) - 1) + [1 - share * (len(kept) - 1)]
    return tuple(TakeProfit(price=price, share=part) for price, part in zip(kept, shares, strict=True))


def read_messages(path: Path) -> list[dict[str, object]]:
    """The messages of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def read_quotes(text: str) -> dict[str, RecordedQuote]:
    """The quotes that `mt5fleet simulator quotes --json` prints."""
    return {
        symbol: RecordedQuote(bid=Decimal(row["bid"]), ask=Decimal(row["ask"]), digits=row["digits"])
        for symbol, row in json.loads(text).items()
    }


def main(messages: str, quotes: str, producer: str, group: str) -> None:
    """Print one unsigned signal a line."""
    # The machine's clock is read here, at the program's edge.
    now = datetime.now(UTC)
    found = read_quotes(Path(quotes).read_text(encoding="utf-8"))
    for signal in approve(read_messages(Path(messages)), found, producer, group, now):
        sys.stdout.write(json.dumps(dump_signal(signal)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
