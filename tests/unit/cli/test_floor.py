from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.terms import BridgeAddress
from mt5fleet.cli.tools import OneBridge
from mt5fleet.client import ProducerSecret, save_key
from mt5fleet.domain.broker import Health, Reading
from mt5fleet.domain.errors import Unanswered, Unreachable
from mt5fleet.messages import SigningKey
from mt5fleet.people_file import PeopleFile
from mt5fleet.testing.fake_gateway import FakeGateway
from tests.unit.cli.conftest import Result, World

ACCOUNT = "demo-usd-1"


class PeopledBridge(FakeGateway):
    """The account's bridge, which reads the fleet's people.toml; it can be made to fail."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock, people=PeopleFile(world.folder / "people.toml"))
        self.add(ACCOUNT, login=5001)
        self.fails: dict[str, Exception] = {}
        self.closed = 0

    def health(self, account: str) -> Health:
        self._fail("health")
        return super().health(account)

    def reading(self, account: str, token: int | None = None) -> Reading:
        self._fail("reading")
        return super().reading(account, token)

    def floor(self, account: str, record: str) -> None:
        self._fail("floor")
        super().floor(account, record)

    def healths(self, bridge: str) -> dict[str, Health | str]:
        return {name: self.health(name) for name in self.books}

    def disconnect(self) -> None:
        self.closed += 1

    def _fail(self, operation: str) -> None:
        if operation in self.fails:
            raise self.fails[operation]


class FloorWorld:
    """The command, a risk person with her key, and the bridge."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world = world
        world.run("people", "add", "ann", "--role", "risk", "--out", "ann.key")
        self.bridge = PeopledBridge(world)
        self.asked: list[str] = []
        tools = world._tools
        patch.setattr(world, "_tools", lambda: replace(tools(), connect_bridge=self._connect))

    @property
    def kept(self) -> Decimal | None:
        floor = FakeGateway.health(self.bridge, ACCOUNT).floor
        return None if floor is None else floor.equity

    def run(self, *options: str | Path, typed: str = "") -> Result:
        return self.world.run("accounts", "floor", *options, typed=typed)

    def set(self, equity: str = "9000", *options: str, typed: str = "") -> Result:
        signed = ("--by", "ann", "--key", "ann.key")
        return self.run(ACCOUNT, "--equity", equity, *signed, *options, typed=typed)

    def _connect(self, name: str, address: BridgeAddress) -> OneBridge:
        self.asked.append(name)
        return self.bridge


@pytest.fixture
def floors(world: World, monkeypatch: pytest.MonkeyPatch) -> FloorWorld:
    return FloorWorld(world, monkeypatch)


def test_signed_floor_is_kept_by_the_bridge_and_shown_without_a_ledger(floors: FloorWorld) -> None:
    result = floors.set("9000.50", "--readings", "5")

    assert result.code == 0, result.err
    assert "9000.50 in 5 readings" in result.out
    assert "signed by ann" in result.out
    assert (floors.kept, floors.asked, floors.bridge.closed) == (Decimal("9000.50"), ["local"], 1)
    assert floors.world.urls == []


def test_shown_floor_is_the_kept_one_and_nothing_changes(floors: FloorWorld) -> None:
    floors.set()

    shown = floors.run(ACCOUNT, "--show", "--json").json

    assert (shown["equity"], shown["readings"], shown["person"]) == ("9000", 3, "ann")
    assert floors.kept == Decimal(9000)


def test_no_floor_is_said_in_words_and_in_json(floors: FloorWorld) -> None:
    assert "no floor" in floors.run(ACCOUNT, "--show").out
    assert floors.run(ACCOUNT, "--show", "--json").json is None


def test_later_floor_replaces_the_kept_one(floors: FloorWorld) -> None:
    floors.set()
    floors.world.clock.advance_s(1)

    assert floors.set("8000").code == 0
    assert floors.kept == Decimal(8000)


def test_floor_that_is_reached_already_is_asked_about(floors: FloorWorld) -> None:
    refused = floors.set("10000", typed="n\n")
    assert (refused.code, floors.kept) == (1, None)
    assert "10000" in refused.err

    assert floors.set("10000", typed="y\n").code == 0
    assert floors.kept == Decimal(10000)


def test_floor_that_is_reached_already_is_set_without_asking_when_told_so(floors: FloorWorld) -> None:
    assert floors.set("10000.01", "--yes").code == 0
    assert floors.kept == Decimal("10000.01")


def test_floor_is_set_when_the_account_cannot_be_read_and_that_is_said(floors: FloorWorld) -> None:
    floors.bridge.fails["reading"] = Unreachable("no terminal")

    result = floors.set()

    assert (result.code, floors.kept) == (0, Decimal(9000))
    assert "could not be read" in result.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((ACCOUNT,), 2),
        ((ACCOUNT, "--equity", "9000"), 2),
        ((ACCOUNT, "--equity", "9000", "--by", "ann"), 2),
        ((ACCOUNT, "--equity", "9000", "--by", "bob", "--key", "ann.key"), 1),
        ((ACCOUNT, "--equity", "9000", "--by", "ann", "--key", "none.key"), 1),
        ((ACCOUNT, "--equity", "much", "--by", "ann", "--key", "ann.key"), 1),
        ((ACCOUNT, "--equity", "0", "--by", "ann", "--key", "ann.key"), 1),
        ((ACCOUNT, "--equity", "NaN", "--by", "ann", "--key", "ann.key"), 1),
        ((ACCOUNT, "--equity", "9000", "--readings", "61", "--by", "ann", "--key", "ann.key"), 1),
        (("other", "--equity", "9000", "--by", "ann", "--key", "ann.key"), 1),
        (("other", "--show"), 1),
    ],
)
def test_wrong_words_are_refused_before_the_bridge_is_asked(
    floors: FloorWorld, options: tuple[str, ...], code: int
) -> None:
    result = floors.run(*options)

    assert (result.code, floors.asked, floors.kept) == (code, [], None)
    assert result.err


def test_key_of_a_producer_sets_no_floor(floors: FloorWorld) -> None:
    save_key(Path("desk.key"), ProducerSecret(producer="ann", key=SigningKey.generate("ann-1")))

    result = floors.run(ACCOUNT, "--equity", "9000", "--by", "ann", "--key", "desk.key")

    assert (result.code, floors.kept) == (1, None)
    assert "is the key of a producer" in result.err


def test_revoked_key_sets_no_floor_and_the_next_step_is_said(floors: FloorWorld) -> None:
    floors.set("9000")
    floors.world.run("people", "revoke", "ann")
    floors.world.clock.advance_s(1)

    result = floors.set("1")

    assert (result.code, floors.kept) == (1, Decimal(9000))
    assert "key_id" in result.err
    assert "people.toml" in result.err


def test_operator_sets_no_floor(floors: FloorWorld) -> None:
    floors.world.run("people", "add", "bob", "--role", "operator", "--out", "bob.key")

    result = floors.run(ACCOUNT, "--equity", "9000", "--by", "bob", "--key", "bob.key")

    assert (result.code, floors.kept) == (1, None)
    assert "role risk" in result.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(Unreachable("down"), 3, "nothing was changed"), (Unanswered("late"), 4, "may be set")],
)
def test_lost_bridge_is_told_as_what_is_known(
    floors: FloorWorld, error: Exception, code: int, said: str
) -> None:
    floors.bridge.fails["floor"] = error

    result = floors.set()

    assert (result.code, floors.bridge.closed) == (code, 1)
    assert said in result.err


def test_floor_that_cannot_be_shown_is_no_empty_answer(floors: FloorWorld) -> None:
    floors.bridge.fails["health"] = Unreachable("down")

    result = floors.run(ACCOUNT, "--show", "--json")

    assert (result.code, result.out) == (3, "")
