"""The whole fleet on recorded prices.

Real Redis, workers and broker processes, a killed worker, a halt, an honest count.

    python scripts/demo.py [--keep FOLDER]

Exit code 0 only if the broker's records show that nothing was doubled or lost. With REDIS_URL an (empty)
Redis of your
own is used, so that it also runs where no server can be started. Ctrl-C ends every process.
"""

import argparse
import json
import os
import signal as signals
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

# The demo's own folder and the repository root: neither is installed.
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from rich.console import Console
from rich.progress import track

from demonstration import show, stage
from demonstration.judge import Result, read_result, settled
from demonstration.plan import (
    ACCOUNTS,
    GROUP,
    GUARDED,
    MESSAGES,
    PRODUCER,
    SHOCK_SYMBOL,
    DemoFiles,
    write_files,
)
from examples.approve_signals import approve, read_messages, read_quotes
from mt5fleet.client import FleetClient
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import dump_signal
from mt5fleet.simulator.client import BrokerControl

WORKERS = 2
READY_S_MAX = 30
SETTLE_S_MAX = 45
PAUSE_S = 0.2  # five signals a second for six accounts each: a load that two cores carry
KILL_AFTER = 0.5  # of the signals
GUARDED_LOTS = "0.05"  # of bitcoin, which has no leverage: about half of the account
SHOCK = 14_000  # dollars of bitcoin: 700 on 0.05 lots, seven percent of the guarded account


def main() -> int:
    """Run the demo; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="keep files and logs in this (new) folder")
    parser.add_argument("--signals", type=int, help="send only the first N signals")
    asked = parser.parse_args()
    console = Console(width=max(Console().width, 120))
    try:
        with ExitStack() as stack:
            folder = asked.keep or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="mt5fleet-demo-"))
            )
            folder.mkdir(parents=True, exist_ok=asked.keep is None)
            result, story = _perform(stack, console, folder.resolve(), asked.signals)
    except stage.DemoFailed as error:
        console.print(f"[red]demo: {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("demo: interrupted; every process has ended")
        return 130
    show.accounts(console, result)
    console.print(story, markup=False, highlight=False)
    show.latency(console, result)
    return show.last_line(console, result)


def _perform(stack: ExitStack, console: Console, folder: Path, most: int | None) -> tuple[Result, str]:
    url, about = stack.enter_context(stage.redis_url(folder))
    console.print(f"  started redis          role=ledger+queues {about}")
    webhook_url, alerts = stack.enter_context(stage.webhook())
    files = write_files(folder, url, webhook_url)
    stage.command(files, "accounts", "apply", str(files.fleet), "--yes")
    stage.command(
        files, "producers", "add", PRODUCER, "--accounts", "*", "--symbols", "*", "--out", str(files.key)
    )
    fleet = stack.enter_context(stage.fleet(files, WORKERS))
    client = stack.enter_context(FleetClient(url, PRODUCER, files.key))
    _wait_ready(console, fleet, files)
    sent = _send(console, fleet, client, files, most)
    sent += _guard_breach(console, client, files, alerts)
    _withdraw_resting(console, client, sent)
    (folder / "submitted.jsonl").write_text(
        "".join(json.dumps(dump_signal(s)) + "\n" for s in sent), encoding="utf-8"
    )
    result = read_result(client, sent, files.simulator_address)
    return result, stage.command(files, "signals", "show", _storied(result), "--account", ACCOUNTS[0].name)


def _wait_ready(console: Console, fleet: stage.Fleet, files: DemoFiles) -> None:
    def ready() -> bool:
        fleet.parts()  # raises when the fleet ended
        shown = json.loads(stage.command(files, "accounts", "show", "--json"))
        return all(account["reading"] is not None for account in shown)

    started = time.monotonic()
    stage.eventually("every account has been read", ready, READY_S_MAX)
    show.parts(console, fleet.parts())
    console.print(f"  {len(ACCOUNTS)} accounts are watched after {time.monotonic() - started:.1f} s")


def _send(
    console: Console, fleet: stage.Fleet, client: FleetClient, files: DemoFiles, most: int | None
) -> list[Signal]:
    with BrokerControl(files.simulator_address) as control:
        quotes = read_quotes(json.dumps(control.quotes()))
    messages = read_messages(MESSAGES)
    wanted = list(approve(messages, quotes, PRODUCER, GROUP, datetime.now(UTC)))[:most]
    console.print(
        f"  {len(messages)} recorded messages hold {len(wanted)} signals, each for {len(ACCOUNTS)} accounts"
    )
    sent = []
    for number, planned in enumerate(track(wanted, description="  sending signals", console=console)):
        # Approved again at the moment of sending, so that the quote and the times are fresh.
        sent.append(_fresh(planned))
        client.submit(sent[-1])
        if number == int(len(wanted) * KILL_AFTER):
            _kill(console, fleet, "worker-1")
        time.sleep(PAUSE_S)
    stage.eventually(
        "every order has ended or rests", lambda: settled(client, [s.id for s in sent]), SETTLE_S_MAX
    )
    return sent


def _fresh(planned: Signal) -> Signal:
    now = datetime.now(UTC)
    life = planned.valid_until - planned.created_at
    return replace(planned, created_at=now, valid_until=now + life)


def _kill(console: Console, fleet: stage.Fleet, name: str) -> None:
    pid = fleet.pid_of(name)
    os.kill(pid, getattr(signals, "SIGKILL", signals.SIGTERM))
    console.print(f"  killed {name} pid={pid} with -9, in the middle of its work")


def _guard_breach(
    console: Console, client: FleetClient, files: DemoFiles, alerts: list[dict[str, object]]
) -> list[Signal]:
    with BrokerControl(files.simulator_address) as control:
        quote = control.quotes()[SHOCK_SYMBOL]
        bid, ask = float(quote["bid"]), float(quote["ask"])
        opening = _guarded_open(client, bid)
        client.submit(opening)
        opened = client.wait(opening.id, timeout_s=SETTLE_S_MAX).orders[0]
        if opened.state != "FILLED":
            raise stage.DemoFailed(f"{GUARDED.name} did not open: {opened.state} {opened.sentence}")
        limit = GUARDED.drawdown_percent_max
        console.print(
            f"  {GUARDED.name} holds {GUARDED_LOTS} lots of {SHOCK_SYMBOL} and halts at {limit} % drawdown"
        )
        console.print(f"  {SHOCK_SYMBOL} falls by {SHOCK}")
        control.quote(SHOCK_SYMBOL, f"{bid - SHOCK:.2f}", f"{ask - SHOCK:.2f}")
        stage.eventually("the guarded account is flat at the broker", lambda: _is_flat(control), SETTLE_S_MAX)
    stage.eventually("the alert has arrived", lambda: _heard(alerts), SETTLE_S_MAX)
    for alert in alerts:
        if alert.get("account") == GUARDED.name:
            console.print(f"  alert at the webhook: {alert['title']}", markup=False)
    refused = _guarded_open(client, bid - SHOCK)
    client.submit(refused)
    order = client.wait(refused.id, timeout_s=SETTLE_S_MAX).orders[0]
    console.print(f"  the next signal for {GUARDED.name}: {order.state} {order.sentence}", markup=False)
    return [opening, refused]


def _guarded_open(client: FleetClient, bid: float) -> Signal:
    return client.open(
        SHOCK_SYMBOL,
        "buy",
        lots=GUARDED_LOTS,
        stop_loss=f"{bid * 0.5:.2f}",
        accounts=[GUARDED.name],
        approved_by="demo",
    )


def _is_flat(control: BrokerControl) -> bool:
    truth = control.truth(GUARDED.login)
    return not truth["positions"] and not truth["orders"]


def _heard(alerts: list[dict[str, object]]) -> bool:
    return any(
        alert.get("account") == GUARDED.name and "flat" in str(alert.get("title", "")).lower()
        for alert in list(alerts)
    )


def _withdraw_resting(console: Console, client: FleetClient, sent: list[Signal]) -> None:
    resting = [
        signal.id for signal in sent if any(o.state == "ACCEPTED" for o in client.status(signal.id).orders)
    ]
    cancels = [client.cancel(signal_id).signal_id for signal_id in resting]
    console.print(f"  {len(resting)} signals still rest as limit orders and are withdrawn")
    stage.eventually("every cancel has ended", lambda: settled(client, cancels), SETTLE_S_MAX)


def _storied(result: Result) -> str:
    """A signal that filled on the most accounts."""
    return max(
        result.statuses,
        key=lambda signal_id: sum(o.state == "FILLED" for o in result.statuses[signal_id].orders),
    )


if __name__ == "__main__":
    sys.exit(main())
