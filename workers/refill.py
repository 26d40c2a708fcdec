"""Tells an emptied ledger again what the operators' files say: accounts, groups, producers."""

import logging

from mt5fleet.fleet_file import FleetFile
from mt5fleet.ports.ledger import Registry
from mt5fleet.producers_file import FILE_NAME, load_producers

logger = logging.getLogger(__name__)


def refill(registry: Registry, fleet: FleetFile) -> bool:
    """Fill a registry that was never told anything; tell whether it was filled.

    One that knows something is left alone: only `mt5fleet accounts` and `mt5fleet producers` change it.
    Several workers may do this at once, since each writes the same. Raises FleetFileInvalid and LedgerError.
    """
    if registry.revision() != 0:
        return False
    producers = load_producers(fleet.folder / FILE_NAME)
    registry.apply(fleet.to_accounts(), fleet.groups())
    for producer in producers.values():
        registry.put_producer(producer)
    logger.warning(
        "the ledger knew nothing: filled with %d accounts and %d producers from %s",
        len(fleet.accounts),
        len(producers),
        fleet.path,
    )
    return True
