"""A submitter over Redis and Celery."""

from pathlib import Path

from mt5fleet.adapters.celery.waker import CeleryWaker
from mt5fleet.adapters.redis import ledger
from mt5fleet.client.durability import RedisConfirms
from mt5fleet.client.spool import Spool
from mt5fleet.client.submit import Submitter
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.ports.clock import Clock


def connect(redis_url: str, *, broker_url: str | None, spool: Path | str | None, clock: Clock) -> Submitter:
    """Build the parts; raises InvalidValue for an unsafe address, and SpoolFailed."""
    try:
        postbox = ledger.connect(redis_url)
        confirms = RedisConfirms(redis_url)
    except ValueError as error:
        raise InvalidValue("redis_url", str(error)) from None
    return Submitter(
        postbox=postbox,
        waker=CeleryWaker(redis_url if broker_url is None else broker_url),
        confirms=confirms,
        clock=clock,
        spool=None if spool is None else Spool(Path(spool)),
    )
