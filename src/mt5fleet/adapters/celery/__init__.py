"""Wake-ups over Celery's publishing part."""

from mt5fleet.adapters.celery.depth import BrokerUnavailable, queue_depths
from mt5fleet.adapters.celery.waker import CeleryWaker, publisher

__all__ = ["BrokerUnavailable", "CeleryWaker", "publisher", "queue_depths"]
