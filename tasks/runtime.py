"""The services of this process: installed by `workers.bootstrap`, asked for by tasks."""

from dataclasses import dataclass
from typing import Protocol

from mt5fleet.domain.errors import FleetError

#: What a task gives back, for Flower and the log: short, plain, without secrets.
Report = dict[str, object]


class Services(Protocol):
    """What tasks may ask for; each gives a short report."""

    def submit(self, envelope: str) -> Report:
        """Write a signed message to the signal log."""
        ...

    def take_in(self) -> Report:
        """Turn waiting messages of the signal log into orders."""
        ...

    def drain(self, accounts: tuple[str, ...], *, urgent: bool) -> Report:
        """Work off the inboxes of these accounts, several at once."""
        ...

    def sweep(self) -> Report:
        """Wake whatever waits and has no owner."""
        ...

    def check_guards(self) -> Report:
        """Read every account, judge it, and act on breaches."""
        ...

    def beat(self) -> Report:
        """Record who is alive and what progressed."""
        ...

    def deliver(self, channels: tuple[str, ...]) -> Report:
        """Deliver waiting alerts; no channel named means all of them."""
        ...


class NotInstalled(FleetError):
    """A task ran in a process whose services were never built; the worker was not started as documented."""


@dataclass(slots=True)
class _Process:
    services: Services | None = None


_process = _Process()


def install(services: Services) -> None:
    """Make these the services of the process; a forked child installs its own."""
    _process.services = services


def services() -> Services:
    """The services of the process; raises NotInstalled before `install`."""
    if _process.services is None:
        raise NotInstalled("no services in this process: start workers with `celery -A workers.app worker`")
    return _process.services
