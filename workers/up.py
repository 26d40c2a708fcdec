"""`python -m workers up`: simulator, bridge, workers and beat on this machine, until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Event, Thread

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.errors import FleetError
from workers import bootstrap
from workers.output import Screen, stdout_screen
from workers.part import PartProcess
from workers.plan import Wish, plan, worker_node, worker_numbers
from workers.ready import Readiness
from workers.supervisor import OWN_NAME, Supervisor
from workers.told import Told, read_told

EXIT_REFUSED = 2
PROCESSES_MAX = 64


def main(options: list[str]) -> int:
    """Start everything and stay; 2 when a setting or the file is wrong, 0 after an ordered stop."""
    asked = _parser().parse_args(options)
    environ = _environment(asked)
    try:
        told = read_told(environ)
        wish = Wish(workers=asked.workers, beat=not asked.no_beat, simulator=not asked.no_simulator)
        os.environ.update(environ)
        _run(told, wish, asked)
    except FleetError as error:
        sys.stderr.write(f"mt5fleet: {error}\n")
        return EXIT_REFUSED
    return 0


def _run(told: Told, wish: Wish, asked: argparse.Namespace) -> None:
    clock, screen, stop = SystemClock(), stdout_screen(), Event()
    if asked.logs is not None:
        asked.logs.mkdir(parents=True, exist_ok=True)
    output = screen.follow if asked.logs is None else asked.logs
    processes = [PartProcess(part, clock, output) for part in plan(told, wish)]
    supervisor = Supervisor(processes, clock=clock, say=screen.say, stop=stop, pid_file=asked.pid_file)
    _stop_on_signal(stop)
    if sys.platform != "win32" and os.geteuid() == 0:
        screen.say(OWN_NAME, "running as root: outside a container, give the fleet a user of its own")
    _announce(told, wish, screen, stop)
    supervisor.run()


def _announce(told: Told, wish: Wish, screen: Screen, stop: Event) -> None:
    readiness = Readiness(
        story=bootstrap.ledger_of(told),
        gateway=bootstrap.gateway_of(told, lambda account: told.fleet.accounts[account].bridge),
        accounts=tuple(name for name, terms in told.fleet.accounts.items() if terms.enabled),
        nodes=tuple(worker_node(number) for number in worker_numbers(told, wish)),
    )
    say = partial(screen.say, OWN_NAME)
    Thread(target=readiness.report, args=(say, stop), daemon=True).start()


def _stop_on_signal(stop: Event) -> None:
    names = (
        "SIGTERM",
        "SIGINT",
        "SIGHUP",
        "SIGBREAK",
    )  # the last is Windows' Ctrl-Break, SIGHUP a closed screen
    for name in names:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_: stop.set())


def _environment(asked: argparse.Namespace) -> Mapping[str, str]:
    """The environment of every part; the file's path is made absolute, so that it means the same to all."""
    environ = dict(os.environ)
    if asked.file is not None:
        environ["MT5FLEET_FILE"] = str(asked.file.resolve())
    return environ


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers up", description=__doc__)
    parser.add_argument("--file", type=Path, help="fleet.toml (default: MT5FLEET_FILE, then ./fleet.toml)")
    parser.add_argument("--workers", type=_count, metavar="N", help="worker processes (default: the file's)")
    parser.add_argument("--no-beat", action="store_true", help="start no beat (another machine runs it)")
    parser.add_argument("--no-simulator", action="store_true", help="start no simulator")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="write one log file for each part there")
    parser.add_argument("--pid-file", type=Path, metavar="FILE", help="keep the process ids there, as JSON")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= PROCESSES_MAX:
        raise argparse.ArgumentTypeError(f"must be from 0 to {PROCESSES_MAX}")
    return number
