from mt5fleet.domain.account import Producer, ProducerKey, Rights
from tests.contract.ledger.rigs import Rig
from tests.contract.ledger.values import BORN, an_account

KEY = ProducerKey(key_id="k1", algorithm="ed25519", public="cHVibGlj", valid_from=BORN)


def _versions(rig: Rig, name: str) -> list[tuple[int, tuple[str, ...]]]:
    return [(group.version, group.accounts) for group in rig.ledger.groups()[name]]


def test_empty_registry_has_revision_zero(rig: Rig) -> None:
    assert (rig.ledger.accounts(), rig.ledger.groups(), rig.ledger.producers()) == ({}, {}, {})
    assert rig.ledger.revision() == 0


def test_apply_makes_accounts_and_groups_exactly_these(rig: Rig) -> None:
    a, b, c = (an_account(name, login=login) for login, name in enumerate("abc", start=1))
    rig.ledger.apply([a, b], {"all": ("a", "b"), "old": ("a",)})

    rig.ledger.apply([b, c], {"all": ("b", "c")})

    assert rig.ledger.accounts() == {"b": b, "c": c}
    assert set(rig.ledger.groups()) == {"all"}


def test_changed_group_gets_a_version_and_an_unchanged_one_does_not(rig: Rig) -> None:
    accounts = [an_account("a"), an_account("b", login=2)]
    for members in (("a",), ("a",), ("a", "b"), ()):
        rig.ledger.apply(accounts, {"all": members, "one": ("a",)})

    assert _versions(rig, "all") == [(1, ("a",)), (2, ("a", "b")), (3, ())]
    assert _versions(rig, "one") == [(1, ("a",))]


def test_group_that_comes_back_does_not_repeat_a_version(rig: Rig) -> None:
    for groups in ({"all": ("a",)}, {}, {"all": ("b",)}):
        rig.ledger.apply([], groups)

    assert _versions(rig, "all") == [(2, ("b",))]


def test_only_the_newest_versions_are_kept(rig: Rig) -> None:
    for number in range(25):
        rig.ledger.apply([], {"all": (f"a{number}",)})

    assert [version for version, _ in _versions(rig, "all")] == list(range(6, 26))


def test_revision_changes_with_every_change_and_with_nothing_else(rig: Rig) -> None:
    seen = [rig.ledger.revision()]
    producer = Producer(name="desk", keys=(KEY,), rights=Rights(accounts=("*",)))
    for _ in range(2):
        rig.ledger.apply([an_account("a")], {"all": ("a",)})
        seen.append(rig.ledger.revision())
    for _ in range(2):
        rig.ledger.put_producer(producer)
        seen.append(rig.ledger.revision())
    rig.ledger.apply([an_account("a", enabled=False)], {"all": ("a",)})
    seen.append(rig.ledger.revision())

    assert seen[1] == seen[2]
    assert seen[3] == seen[4]
    assert len({seen[0], seen[1], seen[3], seen[5]}) == 4
    assert rig.ledger.producers() == {"desk": producer}


def test_revision_does_not_come_back_after_a_wipe(rig: Rig) -> None:
    rig.ledger.apply([an_account("a")], {})
    before = rig.ledger.revision()
    rig.advance_ms(1)
    rig.wipe()
    empty = rig.ledger.revision()
    rig.ledger.apply([an_account("a")], {})

    assert (empty, rig.ledger.revision() > before) == (0, True)


def test_producer_is_replaced_by_name(rig: Rig) -> None:
    for accounts in (("a",), ("b",)):
        rig.ledger.put_producer(Producer(name="desk", keys=(KEY,), rights=Rights(accounts=accounts)))

    assert [producer.rights.accounts for producer in rig.ledger.producers().values()] == [("b",)]
