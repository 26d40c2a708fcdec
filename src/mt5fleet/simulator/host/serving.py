"""From a configuration to a serving broker, and its clean end."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import build_clock
from mt5fleet.simulator.config import SimulatorConfig
from mt5fleet.simulator.host.journal import FileJournal, Journal, NullJournal
from mt5fleet.simulator.host.server import BrokerServer

JOURNAL_NAME = "broker.journal"
STDIN = 0


def serve(config: SimulatorConfig, *, ready: Callable[[str], None], end_with_stdin: bool = False) -> None:
    """Serve until the process is told to end (SIGTERM, Ctrl-C); `ready` gets the address.

    With `end_with_stdin` the broker also ends when its standard input is closed, so that it cannot
    outlive the process that started it, however that one dies.

    Raises:
        ConfigError: The configuration does not fit itself or the journal.
        JournalError: The journal is damaged, in use, or cannot be written.
    """
    clock = build_clock(config.clock)  # the broker sets it to what its journal remembers
    if config.state_dir is None:
        asyncio.run(_serve(config, Broker(config, clock=clock), NullJournal(), ready, end_with_stdin))
        return
    with FileJournal(config.state_dir / JOURNAL_NAME, fsync=config.fsync) as journal:
        broker = Broker(config, clock=clock, journal=journal, past=journal.replay())
        asyncio.run(_serve(config, broker, journal, ready, end_with_stdin))


async def _serve(
    config: SimulatorConfig,
    broker: Broker,
    journal: Journal,
    ready: Callable[[str], None],
    end_with_stdin: bool,
) -> None:
    server = BrokerServer(broker, journal)
    port = await server.start(config.host, config.port)
    _stop_on_signals(server)
    if end_with_stdin:
        _stop_at_end_of_stdin(server)
    ready(f"{config.host}:{port}")
    await server.run()


def _stop_on_signals(server: BrokerServer) -> None:
    loop = asyncio.get_running_loop()

    def stop(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(server.stop)

    # signal.signal and not the loop's own handlers: those do not exist on Windows.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _stop_at_end_of_stdin(server: BrokerServer) -> None:
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # os.read takes no lock that could hang the interpreter's exit, as sys.stdin would.
        while os.read(STDIN, 1024):
            continue
        loop.call_soon_threadsafe(server.stop)

    threading.Thread(target=watch, name="stdin-watch", daemon=True).start()
