"""What this process was told: its environment and the fleet's file, read together, once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from config.redaction import Redaction
from config.settings import Settings
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import FleetFile, load
from mt5fleet.secret_source import SecretSource, resolve_secret

#: Variables whose values never leave the process.
SECRET_VARIABLES = ("SENTRY_DSN",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Settings of the process, the fleet's file, and the addresses with their passwords filled in."""

    settings: Settings
    fleet: FleetFile
    ledger_url: str
    broker_url: str
    redaction: Redaction

    @property
    def slots(self) -> int:
        """Accounts a process works on at once."""
        own = self.settings.slots
        return self.fleet.workers.slots if own is None else own

    @property
    def urgent_slots(self) -> int:
        """Slots kept free for closes, cancels and flattens."""
        own = self.settings.urgent_slots
        return self.fleet.workers.urgent_slots if own is None else own


def read_told(environ: Mapping[str, str]) -> Told:
    """Read everything; SettingsInvalid, FleetFileInvalid and InvalidValue name field and rule."""
    settings = Settings.from_env(environ)
    fleet = load(settings.fleet_file)
    return Told(
        settings=settings,
        fleet=fleet,
        ledger_url=fleet.ledger_url(environ),
        broker_url=fleet.broker_url(environ),
        redaction=Redaction(_secrets(fleet, environ)),
    )


def read_own() -> Told:
    """The same from this process's environment."""
    return read_told(os.environ)


def _secrets(fleet: FleetFile, environ: Mapping[str, str]) -> list[str]:
    """Values to keep out of logs and reports. A missing one is reported where it is used, not here."""
    sources: list[SecretSource | None] = [
        *(account.password for account in fleet.accounts.values()),
        *(bridge.token for bridge in fleet.bridges.values()),
        *(channel.address for channel in fleet.channels.values()),
    ]
    written = [channel.url for channel in fleet.channels.values() if channel.url is not None]
    named = [environ[name] for name in SECRET_VARIABLES if environ.get(name)]
    return [*named, *written, *(_read(source, environ) for source in sources if source is not None)]


def _read(source: SecretSource, environ: Mapping[str, str]) -> str:
    try:
        return resolve_secret(source, environ)
    except InvalidValue:  # the password of a terminal may be kept on another machine
        return ""
