"""The bridge's server on a loop like that of Windows, which watches no sockets for others."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.testing.builders import make_open_order
from tests.unit.bridge.served import FILLED, PERMIT, served


class WatchesNothing(asyncio.SelectorEventLoop):
    """As the ProactorEventLoop: `add_reader` is not there (asyncio, "Platform Support")."""

    refused = 0

    def add_reader(self, fd: Any, callback: Callable[..., object], *arguments: Any) -> None:
        WatchesNothing.refused += 1
        raise NotImplementedError


def test_the_bridge_serves_on_a_loop_that_watches_no_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio, "new_event_loop", WatchesNothing)
    with served(tmp_path, "alpha", "beta") as one:
        gateway = one.gateway()
        assert gateway.submit("alpha", make_open_order(), PERMIT) == FILLED
        threads = [threading.Thread(target=gateway.memory, args=("beta",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [name for name, _ in one.desks["beta"].began] == ["memory"] * 8
    assert WatchesNothing.refused
