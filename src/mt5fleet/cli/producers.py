"""`mt5fleet producers`: who may send signals, with which keys and rights."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.cli.output import AsJson, plain, print_json, refuse, say, table
from mt5fleet.cli.producer_book import ProducerBook
from mt5fleet.cli.tools import FleetOption
from mt5fleet.client.key_file import ProducerSecret, save_key
from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey

KEEP_DAYS_MAX = 90  # an old key that is good for longer is no rotation
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,55}")  # room for "-" and the key's number in 64 characters
_DURATION = re.compile(r"([0-9]{1,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

app = typer.Typer(no_args_is_help=True, help="Who may send signals, with which keys and rights.")

Accounts = Annotated[str, typer.Option("--accounts", help='Names with commas between, or "*" for all.')]
Symbols = Annotated[str, typer.Option("--symbols", help='Names with commas between, or "*" for all.')]
Volume = Annotated[
    str | None,
    typer.Option(
        "--volume", help="Most lots of one signal on one account; the account's limit when left out."
    ),
]
Rate = Annotated[int, typer.Option("--rate", min=1, help="Most signals per minute.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--out", help="Where the private key goes; secrets/KEY_ID.key beside fleet.toml."),
]
SecretEnv = Annotated[
    str | None,
    typer.Option(
        "--hmac-env", help="Use HMAC-SHA256; the workers read the secret (base64) from this variable."
    ),
]


@app.command()
def add(  # noqa: PLR0913, PLR0917 - one argument per option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The producer's name.")],
    accounts: Accounts,
    symbols: Symbols = "*",
    volume: Volume = None,
    rate: Rate = 600,
    out: KeyFile = None,
    hmac_env: SecretEnv = None,
    fleet: FleetOption = None,
) -> None:
    """Make a key pair, write the private key once, and tell the fleet the public key and the rights."""
    if _NAME.fullmatch(name) is None:
        refuse(f"producer {name}: needs letters, digits, '.', '_' and '-', at most 56")
    rights = Rights(
        accounts=_names("--accounts", accounts),
        symbols=_names("--symbols", symbols),
        volume_lots_max=None if volume is None else _lots(volume),
        signals_per_minute_max=rate,
    )
    book = ProducerBook(context, fleet)
    if name in book.producers:
        refuse(f"producer {name}: is there already; `mt5fleet producers rotate {name}` makes a new key")
    key, path = _new_key(book, name, f"{name}-1", out, hmac_env)
    book.put(Producer(name=name, keys=(key,), rights=rights))
    say(f"Producer {name} may send. Its private key is in {path}; no copy of it was kept.")


@app.command("list")
def list_producers(context: typer.Context, fleet: FleetOption = None, as_json: AsJson = False) -> None:
    """Producers with their keys and rights."""
    book = ProducerBook(context, fleet)
    known = [producer for _, producer in sorted(book.producers.items())]
    if as_json:
        print_json([plain(Producer, producer) for producer in known])
        return
    rows = [_row(producer, key, book.now) for producer in known for key in producer.keys]
    columns = ("producer", "key", "algorithm", "good", "accounts", "symbols", "lots", "per minute")
    table("Producers", columns, rows)


@app.command()
def rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The producer's name.")],
    keep_old: Annotated[
        str, typer.Option("--keep-old", help="How long the old key stays good: 24h, 30m, 7d.")
    ],
    out: KeyFile = None,
    hmac_env: SecretEnv = None,
    fleet: FleetOption = None,
) -> None:
    """Make a new key; the old ones stay good for the stated time."""
    kept = _duration(keep_old)
    book = ProducerBook(context, fleet)
    producer = book.named(name)
    key, path = _new_key(book, name, _next_id(producer), out, hmac_env)
    until = book.now + kept
    book.put(replace(producer, keys=(*(_ending(old, until) for old in producer.keys), key)))
    say(
        f"{name} signs with {key.key_id} now ({path}). "
        f"Older keys are good until {until:%Y-%m-%d %H:%M:%S} UTC."
    )


@app.command()
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The producer's name.")],
    key: Annotated[str | None, typer.Option("--key", help="One key; all of them when left out.")] = None,
    fleet: FleetOption = None,
) -> None:
    """Refuse a producer's key from now on, also for signals that wait."""
    book = ProducerBook(context, fleet)
    producer = book.named(name)
    if key is not None and key not in {one.key_id for one in producer.keys}:
        refuse(f"key {key}: is not one of {name}. Known: {', '.join(one.key_id for one in producer.keys)}")
    keys = tuple(_revoked(one, book.now) if key in (None, one.key_id) else one for one in producer.keys)
    book.put(replace(producer, keys=keys))
    say(f"{'Every key' if key is None else key} of {name} is refused from now on.")


@app.command()
def apply(context: typer.Context, fleet: FleetOption = None) -> None:
    """Tell the ledger again what producers.toml says."""
    say(f"Stored {ProducerBook(context, fleet).put_all()} producers.")


def _new_key(
    book: ProducerBook, producer: str, key_id: str, out: Path | None, hmac_env: str | None
) -> tuple[ProducerKey, Path]:
    """Make a key and write its private half; the public half goes to the fleet."""
    algorithm = Algorithm.ED25519 if hmac_env is None else Algorithm.HMAC_SHA256
    key = SigningKey.generate(key_id, algorithm)
    path = book.folder / "secrets" / f"{key_id}.key" if out is None else out
    path.parent.mkdir(parents=True, exist_ok=True)
    save_key(path, ProducerSecret(producer=producer, key=key))
    public = key.public if hmac_env is None else hmac_env
    return ProducerKey(key_id=key_id, algorithm=algorithm, public=public, valid_from=book.now), path


def _next_id(producer: Producer) -> str:
    taken = {key.key_id for key in producer.keys}
    return next(
        candidate
        for number in range(1, len(taken) + 2)
        if (candidate := f"{producer.name}-{number}") not in taken
    )


def _ending(key: ProducerKey, until: datetime) -> ProducerKey:
    sooner = until if key.valid_until is None else min(key.valid_until, until)
    return replace(key, valid_until=sooner)


def _revoked(key: ProducerKey, now: datetime) -> ProducerKey:
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def _row(producer: Producer, key: ProducerKey, now: datetime) -> tuple[object, ...]:
    rights = producer.rights
    return (
        producer.name,
        key.key_id,
        key.algorithm,
        _good(key, now),
        ", ".join(rights.accounts),
        ", ".join(rights.symbols),
        rights.volume_lots_max,
        rights.signals_per_minute_max,
    )


def _good(key: ProducerKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.valid_until is None:
        return "yes"
    return f"until {key.valid_until:%Y-%m-%d %H:%M}" if now < key.valid_until else "no longer"


def _names(option: str, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InvalidValue(option, 'names nothing; "*" means all')
    return names


def _lots(text: str) -> Decimal:
    try:
        lots = Decimal(text)
    except InvalidOperation:
        raise InvalidValue("--volume", "is not a number") from None
    if not lots.is_finite() or lots <= 0:
        raise InvalidValue("--volume", "must be above 0")
    return lots


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidValue("--keep-old", "must be a number with s, m, h or d, such as 24h")
    kept = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if kept > timedelta(days=KEEP_DAYS_MAX):
        raise InvalidValue("--keep-old", f"must be at most {KEEP_DAYS_MAX}d")
    return kept
