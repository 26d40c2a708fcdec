"""Producers as the operators' folder remembers them: `producers.toml`, written by commands.

It holds public keys, names of secrets and rights, so that an emptied ledger can be filled again.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.fleet_file import FleetFileInvalid
from mt5fleet.key_terms import KeyTerms, moment_lines
from mt5fleet.toml_file import Name, Terms, read_toml, replace_file, toml_text

FILE_NAME = "producers.toml"
_HEADER = """\
# Who may send signals. Written by `mt5fleet producers add | rotate | revoke`; keep it with fleet.toml:
# workers fill an emptied ledger from both. It holds public keys and names of secrets only.
"""


class _KeyTerms(KeyTerms):
    algorithm: Literal["ed25519", "hmac-sha256"]
    public: Annotated[str, Field(min_length=1, max_length=128)]


class _ProducerTerms(Terms):
    accounts: tuple[str, ...]
    symbols: tuple[str, ...] = ("*",)
    volume_lots_max: Annotated[Decimal, Field(gt=0)] | None = None
    signals_per_minute_max: Annotated[int, Field(ge=1)] = 600
    keys: tuple[_KeyTerms, ...] = ()


class _FileTerms(Terms):
    path: Path
    producers: dict[Name, _ProducerTerms] = Field(default_factory=dict)


def load_producers(path: Path) -> dict[str, Producer]:
    """Every producer by name; none when there is no file. Raises FleetFileInvalid."""
    if not path.exists():
        return {}
    missing = "`mt5fleet producers add` writes one"
    read = read_toml(path, _FileTerms, error=FleetFileInvalid, missing=missing)
    return {name: _producer(name, terms) for name, terms in read.producers.items()}


def save_producers(path: Path, producers: Mapping[str, Producer]) -> None:
    """Replace the file as a whole, so that a crash leaves the old one or the new one. Raises OSError."""
    replace_file(path, _HEADER + "".join(_section(producer) for _, producer in sorted(producers.items())))


def _producer(name: str, terms: _ProducerTerms) -> Producer:
    return Producer(
        name=name,
        keys=tuple(
            ProducerKey(
                key_id=key.key_id,
                algorithm=key.algorithm,
                public=key.public,
                valid_from=key.valid_from,
                valid_until=key.valid_until,
                revoked_at=key.revoked_at,
            )
            for key in terms.keys
        ),
        rights=Rights(
            accounts=terms.accounts,
            symbols=terms.symbols,
            volume_lots_max=terms.volume_lots_max,
            signals_per_minute_max=terms.signals_per_minute_max,
        ),
    )


def _section(producer: Producer) -> str:
    rights = producer.rights
    lines = [
        "",
        f"[producers.{toml_text(producer.name)}]",
        f"accounts = {_texts(rights.accounts)}",
        f"symbols = {_texts(rights.symbols)}",
        f"signals_per_minute_max = {rights.signals_per_minute_max}",
    ]
    if rights.volume_lots_max is not None:
        lines.append(f"volume_lots_max = {toml_text(format(rights.volume_lots_max, 'f'))}")
    for key in producer.keys:
        lines += _key_lines(producer.name, key)
    return "\n".join(lines) + "\n"


def _key_lines(producer: str, key: ProducerKey) -> list[str]:
    return [
        "",
        f"[[producers.{toml_text(producer)}.keys]]",
        f"key_id = {toml_text(key.key_id)}",
        f"algorithm = {toml_text(key.algorithm)}",
        f"public = {toml_text(key.public)}",
        *moment_lines(key),
    ]


def _texts(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(toml_text(value) for value in values) + "]"
