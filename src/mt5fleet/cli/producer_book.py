"""Producers as ledger and operators' file know them, kept alike."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import typer

from mt5fleet.cli.key_life import kept_alike
from mt5fleet.cli.output import refuse
from mt5fleet.cli.tools import fleet_of, tools_of
from mt5fleet.domain.account import Producer
from mt5fleet.ports.ledger import Ledger
from mt5fleet.producers_file import FILE_NAME, load_producers, save_producers


class ProducerBook:
    """The file is written first, the ledger after it: a worker fills an emptied ledger from the file."""

    def __init__(self, context: typer.Context, fleet: Path | None) -> None:
        tools, read = tools_of(context), fleet_of(fleet)
        self.folder = read.folder
        self._file = read.folder / FILE_NAME
        self._ledger: Ledger = tools.connect_ledger(read.ledger_url(tools.environ))
        # Asked before anything is written, so that a silent ledger leaves no half-made producer.
        self.now: datetime = self._ledger.now()
        self.producers = merged(load_producers(self._file), self._ledger.producers())

    def named(self, name: str) -> Producer:
        """The producer of this name; ends the command when there is none."""
        if name not in self.producers:
            refuse(f"producer {name}: is not known. Known: {', '.join(sorted(self.producers)) or 'none'}")
        return self.producers[name]

    def put(self, producer: Producer) -> None:
        """Store one producer at both places."""
        self.producers[producer.name] = producer
        save_producers(self._file, self.producers)
        self._ledger.put_producer(producer)

    def put_all(self) -> int:
        """Store every producer at both places; how many."""
        save_producers(self._file, self.producers)
        for producer in self.producers.values():
            self._ledger.put_producer(producer)
        return len(self.producers)


def merged(written: dict[str, Producer], told: dict[str, Producer]) -> dict[str, Producer]:
    """Both sides together: rights as written in the file, a key as short-lived as either side says.

    So neither an old copy of the file nor an old ledger brings a revoked key back.
    """
    found = dict(told)
    for name, producer in written.items():
        other = told.get(name)
        found[name] = (
            producer if other is None else replace(producer, keys=kept_alike(producer.keys, other.keys))
        )
    return found
