"""A desk over a journal of its own, with a child of the test's choice."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.sqlite.journal import JournalFile, SqliteJournal, journal_path
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge import supervision
from mt5fleet.bridge.desk import Desk
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.ids import OrderKey, order_key
from mt5fleet.domain.order import OpenOrder, Outcome, Permit
from mt5fleet.testing.builders import make_open_order

ACCOUNT, LOGIN, SERVER, PASSWORD, SYMBOL = "alpha", 1001, "Simulator-1", "pw", "EURUSD"
WAIT_S_MAX = 20.0
ODD_CHILD = (sys.executable, str(Path(__file__).with_name("odd_child.py")))
LIMITS = BridgeLimits(order_s=1.0, read_s=1.0, queue_s=2.0, stop_s=5.0, restart_s_min=0.02)
CONFIG = ChildConfig(
    account=ACCOUNT,
    server=SERVER,
    login=LOGIN,
    mode=Mode.DEMO,
    password=PASSWORD,
    visibility_lag_s=0.3,
    settle_s=0.5,
    unanswered_s=1.5,
    server_offset_s=7200,
)
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A desk and what belongs to it."""

    desk: Desk
    file: JournalFile
    journal: SqliteJournal
    contact: LedgerContact
    folder: Path

    async def submit(self, name: str, **changes: int) -> Outcome:
        key = key_of(name)
        answer = await self.desk.call("submit", order=market(key), permit=self.permit(key, **changes))
        assert isinstance(answer, Outcome)
        return answer

    def permit(self, key: OrderKey, attempt: int = 1, token: int = 1, sequence: int | None = None) -> Permit:
        now = CLOCK.now()
        self.contact.see(now)
        return Permit(
            key=key.text,
            attempt=attempt,
            token=token,
            not_after=now + timedelta(seconds=5),
            sent_at=now,
            journal_id=self.journal.id,
            journal_sequence=self.journal.sequence if sequence is None else sequence,
        )

    def sends(self) -> int:
        """How often the odd child says that it sent."""
        sent = self.folder / "sent"
        return len(sent.read_text()) if sent.exists() else 0

    async def in_line(self, calls: int) -> None:
        """Wait until so many calls wait for their turn."""
        await until(lambda: self.desk._child._turn.waiting == calls)

    async def up(self) -> None:
        await until(lambda: self.desk.pid is not None)


@asynccontextmanager
async def office(
    folder: Path,
    *,
    config: ChildConfig = CONFIG,
    limits: BridgeLimits = LIMITS,
    environment: dict[str, str] | None = None,
) -> AsyncIterator[Office]:
    file = JournalFile(journal_path(folder / "journal"), CLOCK, lambda: secrets.token_hex(8))
    journal, contact = file.account(config.server, config.login), LedgerContact(CLOCK)
    desk = Desk(config, limits, environment or dict(os.environ), CLOCK, journal, dict, contact)
    desk.start()
    try:
        yield Office(desk=desk, file=file, journal=journal, contact=contact, folder=folder)
    finally:
        await desk.stop()
        file.close()


@asynccontextmanager
async def odd_office(
    folder: Path, word: str, limits: BridgeLimits = LIMITS, *, waits: bool = True
) -> AsyncIterator[Office]:
    """A desk whose child behaves oddly in its first life."""
    environment = {**os.environ, "ODD_CHILD": word, "ODD_FOLDER": str(folder)}
    real, supervision.COMMAND = supervision.COMMAND, ODD_CHILD  # type: ignore[misc]  # put back below
    try:
        async with office(folder, limits=limits, environment=environment) as made:
            if waits:
                await made.up()
            yield made
    finally:
        supervision.COMMAND = real  # type: ignore[misc]  # see above


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


def key_of(name: str) -> OrderKey:
    return order_key(SERVER, LOGIN, name, 0)


def market(key: OrderKey) -> OpenOrder:
    return make_open_order(symbol=SYMBOL, magic=key.magic, comment=key.comment, created_at=CLOCK.now())
