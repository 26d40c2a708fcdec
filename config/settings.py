"""What a process is told by its environment; read once, at start, by `workers.bootstrap`.

What the fleet as a whole is told stands in `fleet.toml` (`mt5fleet.fleet_file`), which MT5FLEET_FILE names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from mt5fleet.domain.errors import FleetError
from mt5fleet.fleet_file import FILE_ENV, FILE_NAME

T = TypeVar("T")

SLOTS_MAX = 64  # accounts at once in one process: more threads only queue for the interpreter
PORT_MAX = 65_535


class SettingsInvalid(FleetError):
    """The environment breaks rules; the text has one line for each variable."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that one start shows them all."""
        super().__init__("the environment does not fit:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = problems


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"  # one object per line, for collectors
    CONSOLE = "console"  # for people


class LogLevel(StrEnum):
    """The least important line that is written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one process.

    `slots` and `urgent_slots` replace what the file says for all workers; None keeps it.
    """

    fleet_file: Path
    slots: int | None
    urgent_slots: int | None
    log_format: LogFormat
    log_level: LogLevel
    metrics_host: str
    metrics_port: int | None
    sentry_environment: str
    sentry_dsn: str | None = field(repr=False)

    @staticmethod
    def from_env(environ: Mapping[str, str]) -> "Settings":
        """Read and check every variable; raise SettingsInvalid with one line for each broken rule."""
        ask = _Reader(environ)
        settings = Settings(
            fleet_file=ask.read(FILE_ENV, Path(FILE_NAME), _existing_file),
            slots=ask.read("MT5FLEET_SLOTS", None, _between(1, SLOTS_MAX)),
            urgent_slots=ask.read("MT5FLEET_URGENT_SLOTS", None, _between(1, SLOTS_MAX)),
            log_format=ask.read("MT5FLEET_LOG_FORMAT", LogFormat.CONSOLE, _member(LogFormat)),
            log_level=ask.read("MT5FLEET_LOG_LEVEL", LogLevel.INFO, _member(LogLevel)),
            metrics_host=ask.read("MT5FLEET_METRICS_HOST", "127.0.0.1", str),
            metrics_port=ask.read("MT5FLEET_METRICS_PORT", None, _between(1, PORT_MAX)),
            sentry_environment=ask.read("SENTRY_ENVIRONMENT", "production", str),
            sentry_dsn=ask.read("SENTRY_DSN", None, _dsn),
        )
        ask.require_file(settings.fleet_file)
        ask.raise_problems()
        return settings


class _Reader:
    """Collects what is wrong instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def read(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        text = self._environ.get(name, "")
        if text == "":  # compose files pass unset variables as empty text
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._problems.append(f"{name}: {error}")
            return default

    def require_file(self, path: Path) -> None:
        named = bool(self._environ.get(FILE_ENV))
        if not named and not path.is_file():
            self._problems.append(
                f"{FILE_ENV}: is not set and there is no ./{FILE_NAME}; `mt5fleet init DIR` writes one"
            )

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsInvalid(tuple(self._problems))


def _existing_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"names {text}, which is no file; `mt5fleet init DIR` writes one")
    return path


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


E_ = TypeVar("E_", bound=StrEnum)


def _member(kind: type[E_]) -> Callable[[str], E_]:
    def parse(text: str) -> E_:
        found = next((member for member in kind if member.value.lower() == text.lower()), None)
        if found is None:
            raise ValueError("must be one of " + ", ".join(kind))
        return found

    return parse


def _dsn(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must be the address Sentry shows under Client Keys (it is not repeated here)")
    return text
