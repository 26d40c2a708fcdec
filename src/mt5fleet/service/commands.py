"""The commands that a recorded signal puts on inboxes."""

from collections.abc import Iterable

from mt5fleet.domain.order import Command, Lane
from mt5fleet.domain.record import SignalRecord
from mt5fleet.domain.signal import Signal, Verb

_URGENT = frozenset({Verb.CLOSE, Verb.CANCEL})  # what only reduces risk goes first


def commands_of(record: SignalRecord, signal: Signal) -> tuple[Command, ...]:
    """One command per recorded target, in the record's order."""
    lane = Lane.URGENT if signal.verb in _URGENT else Lane.NORMAL
    return tuple(
        Command(
            key=target.key,
            account=target.account,
            signal_id=record.signal_id,
            producer=record.producer,
            part=target.part,
            verb=signal.verb,
            lane=lane,
            seq=record.seq,
            envelope=record.envelope,
            opening_key=target.opening_key,
            created_at=signal.created_at,
            valid_until=signal.valid_until,
        )
        for target in record.targets
    )


def by_account(commands: Iterable[Command]) -> dict[str, tuple[Command, ...]]:
    """Commands of each account, in their order."""
    grouped: dict[str, list[Command]] = {}
    for command in commands:
        grouped.setdefault(command.account, []).append(command)
    return {account: tuple(group) for account, group in grouped.items()}
