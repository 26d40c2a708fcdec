"""Which processes a fleet on one machine has, and how each is started."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from mt5fleet.fleet_file import FILE_ENV, LOCAL_BRIDGE
from mt5fleet.secret_source import SecretSource
from workers.part import Part
from workers.told import Told

CELERY = ("celery", "--quiet", "-A", "workers.app")
#: Mingle and gossip ask every other worker something at each start, and nothing here uses the answers.
WORKER_OPTIONS = ("worker", "--without-gossip", "--without-mingle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for; None keeps what the file says."""

    workers: int | None
    beat: bool
    simulator: bool


def plan(told: Told, wish: Wish) -> list[Part]:
    """The parts in the order they start; all of them wait for the others by themselves."""
    return [*_simulator(told, wish), *_bridges(told), *_workers(told, wish), *_beat(told, wish)]


def worker_numbers(told: Told, wish: Wish) -> range:
    """Workers of this machine, counted from 1."""
    count = told.fleet.workers.processes if wish.workers is None else wish.workers
    return range(1, count + 1)


def worker_node(number: int) -> str:
    """A worker's name in Flower and in the ledger; the same after a restart, since metrics are kept by it."""
    return f"worker-{number}@{socket.gethostname()}"


def _simulator(told: Told, wish: Wish) -> list[Part]:
    terms = told.fleet.simulator
    if terms is None or not terms.start or not wish.simulator:
        return []
    port = terms.address.rpartition(":")[2]
    arguments = ("mt5fleet.cli.simulator", "serve", "--config", str(terms.config), "--port", port)
    without = passwords(told) | tokens(told) | addresses(told)
    return [Part(name="simulator", role="simulator", arguments=arguments, without=without)]


def _bridges(told: Told) -> list[Part]:
    """Bridges that listen on this machine; one with an address of its own stands elsewhere."""
    # An account that is not enabled may hold positions: its closes still need a bridge.
    used = {account.bridge for account in told.fleet.accounts.values()}
    here = sorted(name for name in used if name == LOCAL_BRIDGE or _listens_here(told, name))
    return [_bridge(told, name) for name in here]


def _listens_here(told: Told, name: str) -> bool:
    return told.fleet.bridges[name].address is None


def _bridge(told: Told, name: str) -> Part:
    arguments = ("mt5fleet.cli.bridge", "serve", "--name", name)
    return Part(
        name=f"bridge-{name}",
        role="bridge",
        arguments=arguments,
        environment=_file(told),
        without=addresses(told),
    )


def _workers(told: Told, wish: Wish) -> list[Part]:
    return [_worker(told, number) for number in worker_numbers(told, wish)]


def _worker(told: Told, number: int) -> Part:
    name = f"worker-{number}"
    environment = dict(_file(told))
    if told.settings.metrics_port is not None:  # one port for each process of the machine
        environment["MT5FLEET_METRICS_PORT"] = str(told.settings.metrics_port + number - 1)
    arguments = (*CELERY, *WORKER_OPTIONS, "-n", worker_node(number))
    return Part(
        name=name, role="worker", arguments=arguments, environment=environment, without=passwords(told)
    )


def _beat(told: Told, wish: Wish) -> list[Part]:
    if not wish.beat or not told.fleet.workers.beat:
        return []
    without = passwords(told) | tokens(told) | addresses(told)
    arguments = (*CELERY, "beat")
    return [Part(name="beat", role="beat", arguments=arguments, environment=_file(told), without=without)]


def _file(told: Told) -> dict[str, str]:
    return {FILE_ENV: str(told.settings.fleet_file.resolve())}


def passwords(told: Told) -> frozenset[str]:
    """Variables that hold terminals' passwords: only a bridge needs them."""
    return _names(account.password for account in told.fleet.accounts.values())


def tokens(told: Told) -> frozenset[str]:
    """Variables that hold bridges' tokens: bridges and workers need them."""
    return _names(bridge.token for bridge in told.fleet.bridges.values())


def addresses(told: Told) -> frozenset[str]:
    """Variables that hold channels' addresses: only workers need them."""
    return _names(channel.address for channel in told.fleet.channels.values())


def _names(sources: Iterable[SecretSource | None]) -> frozenset[str]:
    return frozenset(source.env for source in sources if source is not None and source.env is not None)
