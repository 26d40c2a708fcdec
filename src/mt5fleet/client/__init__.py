"""What a producer needs: build signals, sign and submit them, read what became of them."""

from mt5fleet.client.aio import AsyncFleetClient
from mt5fleet.client.durability import Durability
from mt5fleet.client.key_file import ProducerSecret, load_key, save_key
from mt5fleet.client.spool import SpoolFailed
from mt5fleet.client.submit import OutcomeUnknown, Resent, Submitted, Submitter
from mt5fleet.client.sync import FleetClient
from mt5fleet.client.watch import is_settled

__all__ = [
    "AsyncFleetClient",
    "Durability",
    "FleetClient",
    "OutcomeUnknown",
    "ProducerSecret",
    "Resent",
    "SpoolFailed",
    "Submitted",
    "Submitter",
    "is_settled",
    "load_key",
    "save_key",
]
