"""Serves one account for the contract tests: folder, simulator address, port file, options.

`--shadow`, `--real` and `--allow-real` change the account alpha; `--port=N` asks for a port.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge.host import serve
from mt5fleet.bridge.settings import BridgeConfig, BridgeLimits, ChildConfig
from mt5fleet.domain.broker import Mode
from mt5fleet.simulator.process import terminal_environment

LIMITS = BridgeLimits(
    order_s=2.0,
    read_s=2.0,
    restart_s_min=0.05,
    restart_s_max=0.3,
    ledger_silence_s=3.0,
    # No test but those of the rates themselves meets them.
    calls_per_s_max=10_000,
    calls_burst_max=10_000,
    opens_per_minute_max=100_000,
)


def main() -> None:
    folder, address, port_file = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    config = BridgeConfig(
        name="local",
        host="127.0.0.1",
        port=_port(sys.argv),
        token="contract-token",
        accounts=(_alpha(sys.argv),),
        environment=terminal_environment(address, os.environ),
        people_file=folder / "people.toml",
        journal_dir=folder / "journal",
        limits=LIMITS,
    )
    asyncio.run(_serve(config, port_file))


def _alpha(asked: list[str]) -> ChildConfig:
    return ChildConfig(
        account="alpha",
        server="Simulator-1",
        login=1001,
        mode=Mode.REAL if "--real" in asked else Mode.DEMO,
        allow_real="--allow-real" in asked,
        shadow="--shadow" in asked,
        password="pw",
        visibility_lag_s=0.3,
        settle_s=0.5,
        unanswered_s=1.5,
        server_offset_s=7200,
    )


def _port(asked: list[str]) -> int:
    return next((int(one.removeprefix("--port=")) for one in asked if one.startswith("--port=")), 0)


async def _serve(config: BridgeConfig, port_file: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(stop.set))

    def ready(port: int) -> None:
        draft = port_file.with_suffix(".part")
        draft.write_text(str(port))
        draft.replace(port_file)

    await serve(config, SystemClock(), stop, ready)


if __name__ == "__main__":
    main()
