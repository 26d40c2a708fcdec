"""`mt5fleet producers`: who may send signals, with which keys and rights."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.cli.key_life import check_name, ending, goodness, kept_for, next_id, revoked
from mt5fleet.cli.output import AsJson, plain, print_json, refuse, say, table
from mt5fleet.cli.producer_book import ProducerBook
from mt5fleet.cli.tools import FleetOption
from mt5fleet.client.key_file import ProducerSecret, save_key
from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey

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
    check_name("producer", name)
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
    kept = kept_for(keep_old)
    book = ProducerBook(context, fleet)
    producer = book.named(name)
    key, path = _new_key(book, name, next_id(name, (old.key_id for old in producer.keys)), out, hmac_env)
    until = book.now + kept
    book.put(replace(producer, keys=(*ending(producer.keys, until), key)))
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
    book.put(replace(producer, keys=revoked(producer.keys, key, name, book.now)))
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


def _row(producer: Producer, key: ProducerKey, now: datetime) -> tuple[object, ...]:
    rights = producer.rights
    return (
        producer.name,
        key.key_id,
        key.algorithm,
        goodness(key, now),
        ", ".join(rights.accounts),
        ", ".join(rights.symbols),
        rights.volume_lots_max,
        rights.signals_per_minute_max,
    )


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
