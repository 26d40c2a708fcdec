"""How many Celery messages wait; they are wake-ups, so the real backlog is the ledger's."""

import redis

from mt5fleet.adapters.celery import transport
from mt5fleet.domain.errors import FleetError
from mt5fleet.messages import QUEUES


class BrokerUnavailable(FleetError):
    """The broker gave no answer: nothing is known about its queues."""


def queue_depths(broker_url: str) -> dict[str, int]:
    """Waiting messages per queue. Raises BrokerUnavailable, and InvalidValue for an unsafe address."""
    transport.split_tls(broker_url)
    broker = redis.Redis.from_url(
        broker_url,
        socket_timeout=transport.PRODUCER_TIMEOUT_S,
        socket_connect_timeout=transport.CONNECT_TIMEOUT_S,
    )
    try:
        with broker, broker.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.llen(queue)
            return dict(zip(QUEUES, (int(length) for length in pipe.execute()), strict=True))
    except redis.RedisError as error:
        raise BrokerUnavailable(f"redis.broker_url: no answer ({type(error).__name__})") from None
