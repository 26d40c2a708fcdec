"""The bridge of one host: one journal, a desk with a child process per account, a server before them."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.bridge.desk import Desk
from mt5fleet.bridge.last_resort import LastResort
from mt5fleet.bridge.server import BridgeServer
from mt5fleet.bridge.settings import BridgeConfig
from mt5fleet.people_file import PeopleFile
from mt5fleet.ports.clock import Clock

JOURNAL_ID_BYTES = 16
LAST_RESORT_PAUSE_S = 1.0  # before it is started again, should it ever fail

_log = logging.getLogger("mt5fleet.bridge")


class BridgeHost:
    """Serves the accounts of one host until it is stopped.

    Making one opens and locks the journal; raises JournalRefused.
    """

    def __init__(self, config: BridgeConfig, clock: Clock) -> None:
        self._config = config
        self._journals = JournalFile(
            journal_path(config.journal_dir), clock, lambda: secrets.token_hex(JOURNAL_ID_BYTES)
        )
        contact = LedgerContact(clock)
        self.desks: Mapping[str, Desk] = _desks(config, clock, self._journals, contact)
        self._server = BridgeServer(config, self.desks, contact, clock)
        self._last_resort = LastResort(self.desks, contact, clock, config.limits)
        self._stop = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens; the configured port may be 0."""
        return self._server.port

    async def start(self) -> None:
        """Listen, and start every child; raises OSError when the address is taken."""
        await self._server.start()
        for desk in self.desks.values():
            desk.start()
        self._watching = asyncio.create_task(self._watch_floors(), name="last-resort")

    async def stop(self) -> None:
        """Take no more calls, let those in hand end, end the children, and release the journal."""
        self._stop.set()
        watching = () if self._watching is None else (self._watching,)
        await asyncio.gather(self._server.stop(), *watching)
        await asyncio.gather(*(desk.stop() for desk in self.desks.values()))
        self._journals.close()

    async def _watch_floors(self) -> None:
        while not self._stop.is_set():
            try:
                await self._last_resort.run(self._stop)
            # The process boundary: without it nobody guards while the ledger is away.
            except Exception:  # noqa: BLE001  # see above
                _log.exception("the last resort failed; it is started again")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), LAST_RESORT_PAUSE_S)


def _desks(
    config: BridgeConfig, clock: Clock, journals: JournalFile, contact: LedgerContact
) -> dict[str, Desk]:
    people = PeopleFile(config.people_file)
    return {
        one.account: Desk(
            one,
            config.limits,
            config.environment,
            clock,
            journals.account(one.server, one.login),
            people,
            contact,
        )
        for one in config.accounts
    }


async def serve(
    config: BridgeConfig, clock: Clock, stop: asyncio.Event, ready: Callable[[int], None]
) -> None:
    """Run a bridge until `stop` is set; `ready` gets the port once it listens.

    Raises JournalRefused when its journal is another process's or cannot be used, OSError when the address is
    taken.
    """
    host = BridgeHost(config, clock)
    try:
        await host.start()
        ready(host.port)
        await stop.wait()
    finally:
        await host.stop()
