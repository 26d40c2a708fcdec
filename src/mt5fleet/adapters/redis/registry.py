"""What the fleet was told, on Redis: accounts, versioned groups, producers, and their revision."""

from collections.abc import Iterable

from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.store import Answer, Argument, int_of, listed, text_of
from mt5fleet.codec import decode, encode
from mt5fleet.domain.account import Account, Group, Producer
from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.groups import regroup

_ATTEMPTS_MAX = 5  # two people at once are likely enough, six are not
_Versions = tuple[Group, ...]


class RedisRegistry(Part):
    """Accounts, groups and producers as JSON in hashes of one slot."""

    def accounts(self) -> dict[str, Account]:
        (answer,) = self._store.read(("HVALS", f"{self._keys.fleet}:accounts"))
        return _accounts(answer)

    def groups(self) -> dict[str, tuple[Group, ...]]:
        (answer,) = self._store.read(("HVALS", f"{self._keys.fleet}:groups"))
        return _groups(answer)

    def producers(self) -> dict[str, Producer]:
        (answer,) = self._store.read(("HVALS", f"{self._keys.fleet}:producers"))
        found = (decode(Producer, text_of(text)) for text in listed(answer))
        return {producer.name: producer for producer in found}

    def apply(self, accounts: Iterable[Account], groups: dict[str, tuple[str, ...]]) -> None:
        told = {account.name: account for account in accounts}
        for _ in range(_ATTEMPTS_MAX):
            if self._apply_once(told, groups):
                return
        raise LedgerUnavailable(
            "accounts keep changing while they are applied: nothing was written, apply again"
        )

    def _apply_once(self, told: dict[str, Account], wanted: dict[str, tuple[str, ...]]) -> bool:
        """Read, decide, and write only if nobody wrote in between; the revision is read first."""
        fleet, names = self._keys.fleet, sorted(wanted)
        revision, accounts, groups, newest, now = self._store.read(
            ("GET", f"{fleet}:revision"),
            ("HVALS", f"{fleet}:accounts"),
            ("HVALS", f"{fleet}:groups"),
            ("HMGET", f"{fleet}:group_newest", "", *names),
            ("TIME",),
        )
        kept = _groups(groups)
        numbers = {name: int_of(number) for name, number in zip(names, listed(newest)[1:], strict=True)}
        grouped = regroup(kept, wanted, numbers, from_us(_time_us(now)), self._settings.group_versions_max)
        if told == _accounts(accounts) and grouped == kept:
            return True
        rows = (*_account_rows(told), *_group_rows(grouped))
        return int_of(self._store.run("apply", fleet, int_of(revision), len(told), *rows)) == 1

    def put_producer(self, producer: Producer) -> None:
        self._store.run("put_producer", self._keys.fleet, producer.name, encode(Producer, producer))

    def revision(self) -> int:
        (answer,) = self._store.read(("GET", f"{self._keys.fleet}:revision"))
        return int_of(answer)


def _accounts(answer: Answer) -> dict[str, Account]:
    found = (decode(Account, text_of(text)) for text in listed(answer))
    return {account.name: account for account in found}


def _groups(answer: Answer) -> dict[str, tuple[Group, ...]]:
    kept = (decode(_Versions, text_of(text)) for text in listed(answer))
    return {versions[-1].name: versions for versions in kept}


def _account_rows(accounts: dict[str, Account]) -> Iterable[Argument]:
    for name, account in accounts.items():
        yield from (name, encode(Account, account))


def _group_rows(groups: dict[str, tuple[Group, ...]]) -> Iterable[Argument]:
    for name, versions in groups.items():
        yield from (name, encode(_Versions, versions), versions[-1].version)


def _time_us(answer: Answer) -> int:
    seconds, micros = listed(answer)
    return int_of(seconds) * 1_000_000 + int_of(micros)
