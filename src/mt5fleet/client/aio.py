"""The asyncio twin: the same core, with every call that waits handed to a thread."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Self

from mt5fleet.client.submit import Resent, Submitted
from mt5fleet.client.sync import FOLLOW_S, SigningClient
from mt5fleet.client.watch import Watch
from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.record import SignalStatus
from mt5fleet.domain.signal import Signal


class AsyncFleetClient(SigningClient):
    """FleetClient for asyncio programs: same arguments, same meanings, same errors.

    Calls run in the event loop's default threads. A cancelled call may still have posted its signal; sending
    it again is safe.
    """

    async def submit(self, signal: Signal, *, durable: bool = False) -> Submitted:
        """See FleetClient.submit."""
        return await asyncio.to_thread(self._submitter.submit, self.signed(signal), durable=durable)

    async def submit_many(self, signals: Iterable[Signal], *, durable: bool = False) -> tuple[Submitted, ...]:
        """See FleetClient.submit_many."""
        signed = tuple(self.signed(one) for one in signals)
        return await asyncio.to_thread(self._submitter.submit_many, signed, durable=durable)

    async def status(self, signal_id: str) -> SignalStatus:
        """See FleetClient.status."""
        return await asyncio.to_thread(self._submitter.status, signal_id)

    async def follow(self, signal_id: str, timeout_s: float = FOLLOW_S) -> AsyncIterator[SignalStatus]:
        """See FleetClient.follow."""
        watch = Watch(self._clock, timeout_s)
        while True:
            try:
                status = await self.status(signal_id)
                if watch.is_news(status):
                    yield status
            except LedgerUnavailable as error:
                watch.missed(error)
            pause_s = watch.pause_s()
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def wait(self, signal_id: str, timeout_s: float) -> SignalStatus:
        """See FleetClient.wait."""
        return [status async for status in self.follow(signal_id, timeout_s)][-1]

    async def cancel(self, opening_id: str, *, durable: bool = False) -> Submitted:
        """See FleetClient.cancel."""
        return await self.submit(self.cancel_order(opening_id), durable=durable)

    async def resend(self) -> Resent:
        """See FleetClient.resend."""
        return await asyncio.to_thread(self._submitter.resend)

    async def disconnect(self) -> None:
        """See FleetClient.disconnect."""
        await asyncio.to_thread(self._submitter.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.disconnect()
