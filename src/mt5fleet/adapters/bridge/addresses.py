"""Where the bridges of a file are reached, for workers and commands."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mt5fleet.adapters.bridge.terms import BridgeAddress, TlsClient
from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.bridge_file import BridgeFile
from mt5fleet.bridge_terms import WorkersTls
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import FleetFile
from mt5fleet.net_address import host_and_port


def bridge_addresses(fleet: FleetFile, environ: Mapping[str, str]) -> dict[str, BridgeAddress]:
    """Where each bridge of the fleet's file is reached; raises InvalidValue for a missing secret or file."""
    return {name: bridge_address(fleet, name, environ) for name in fleet.every_bridge()}


def bridge_address(fleet: FleetFile, name: str, environ: Mapping[str, str]) -> BridgeAddress:
    """Where one bridge of the file is reached; raises InvalidValue for a missing secret or file."""
    terms = fleet.every_bridge()[name]
    host, port = host_and_port(terms.reached_at)
    with _fields_of(lambda field: f"bridges.{name}.{_after(field, 'tls.', 'tls.workers.')}"):
        token = bridge_token(terms.token, terms.journal_dir, environ) if terms.wants_token else None
        return BridgeAddress(host=host, port=port, token=token, tls=_workers_tls(terms.tls.workers))


def address_on_host(file: BridgeFile, environ: Mapping[str, str]) -> BridgeAddress:
    """Where the bridge of `bridge.toml` is reached on its own host; raises InvalidValue naming the field."""
    section = file.bridge
    host, port = host_and_port(section.reached_at)
    with _fields_of(lambda field: f"bridge.{_after(field, 'tls.', 'check.')}"):
        token = bridge_token(section.token, section.journal_dir, environ) if section.wants_token else None
        return BridgeAddress(host=host, port=port, token=token, tls=_own_tls(file))


def _workers_tls(terms: WorkersTls | None) -> TlsClient | None:
    if terms is None:
        return None
    return TlsClient(
        ca_file=terms.ca_file,
        cert_file=terms.cert_file,
        key_file=terms.key_file,
        server_name=terms.server_name,
    )


def _own_tls(file: BridgeFile) -> TlsClient | None:
    own, check = file.bridge.tls, file.bridge.check
    if own is None:
        return None
    if own.client_ca_file is not None and check.cert_file is None:
        raise InvalidValue(
            "tls.cert_file",
            "is required with key_file: bridge.tls.client_ca_file asks every peer for a certificate;"
            " `mt5fleet bridge check --name NAME` beside fleet.toml has one",
        )
    ca_file: Path = own.cert_file if check.ca_file is None else check.ca_file
    return TlsClient(
        ca_file=ca_file, cert_file=check.cert_file, key_file=check.key_file, server_name=check.server_name
    )


def _after(field: str, own: str, written: str) -> str:
    return written + field.removeprefix(own) if field.startswith(own) else field


@contextmanager
def _fields_of(placed: Callable[[str], str]) -> Iterator[None]:
    """Name fields as the file does."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(placed(error.field), error.rule) from None
