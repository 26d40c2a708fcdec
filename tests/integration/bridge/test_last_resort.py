"""A bridge alone with its terminal while the ledger is away; the broker's books say what really happened."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.domain.broker import Health
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.domain.signal import Entry
from mt5fleet.messages import FloorRecord, SigningKey, sign_record
from mt5fleet.people_file import save_people
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.process import BrokerProcess, start_broker
from mt5fleet.testing.builders import make_open_order
from tests.support.fleet import eventually, free_port

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT, LOGIN, SERVER = "alpha", 1001, "Simulator-Demo"
NEIGHBOUR, NEIGHBOUR_LOGIN = "beta", 1002
TOKEN, PASSWORD = "last-resort-token", "last-resort-pass"
FLOOR, BALANCE = "9000", "10000"
BID, ASK = Decimal("1.10000"), Decimal("1.10010")
CRASH_BID, CRASH_ASK = Decimal("1.08500"), Decimal("1.08510")  # one lot bought at 1.10010 has lost 1,510
LOTS = ("0.40", "0.60")
LEDGER_SILENCE_S, CONTACT_EVERY_S = 10.0, 0.5
MARKET_CLOSED = 10018
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.timeout(180)


class Beside:
    """A simulated broker and the bridge beside it; the test stands for the workers and for the ledger."""

    def __init__(self, folder: Path, broker: BrokerProcess) -> None:
        self.folder, self.broker = folder, broker
        self.control: BrokerControl = broker.control()
        self.key = SigningKey.generate("risk-1")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        address = BridgeAddress(host="127.0.0.1", port=self._port, token=TOKEN)
        self.gateway = BridgeGateway({"local": address}, lambda _: "local")
        self._contact: threading.Thread | None = None
        self._lost = threading.Event()
        _write_files(self, broker.address)

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        """Start the bridge and wait until its terminal is connected."""
        command = [sys.executable, "-m", "mt5fleet.cli.main", "bridge", "serve"]
        with (self.folder / "bridge.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--config", str(self.folder / "bridge.toml")],
                env={**os.environ, "BRIDGE_TOKEN": TOKEN, "ACCOUNT_PASSWORD": PASSWORD},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually("the terminal is connected", self._is_connected, 60)

    def kill(self) -> None:
        """End the bridge without warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def end(self) -> None:
        self.lose_ledger()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        self.gateway.disconnect()
        self.control.close()

    def find_ledger(self) -> None:
        """Speak for the ledger from now on, as the guard sweep does."""
        self._lost = threading.Event()
        self._contact = threading.Thread(target=_speak, args=(self.gateway, self._lost))
        self._contact.start()
        eventually("the bridge heard of the ledger", lambda: self._ledger_age_s() < CONTACT_EVERY_S * 4)

    def lose_ledger(self) -> None:
        self._lost.set()
        if self._contact is not None:
            self._contact.join(30)

    def wait_silence(self) -> None:
        eventually("the silence is long enough", lambda: self._ledger_age_s() > LEDGER_SILENCE_S, 30)

    def sign_floor(self, account: str = ACCOUNT, login: int = LOGIN) -> None:
        record = FloorRecord(
            server=SERVER,
            login=login,
            equity=Decimal(FLOOR),
            readings=3,
            person="ruth",
            at=datetime.now(UTC),
        )
        self.gateway.floor(account, sign_record(record, self.key))

    def open(self, name: str, lots: str = "0.10", *, token: int = 1, price: str | None = None) -> Outcome:
        """A market order, or one that rests at a price."""
        key = order_key(SERVER, LOGIN, name, 0)
        journal_id = self.health().journal_id  # asked before the permit's time: a late permit is refused
        now = datetime.now(UTC)
        order = make_open_order(
            entry=Entry.MARKET if price is None else Entry.LIMIT,
            volume=Decimal(lots),
            price=None if price is None else Decimal(price),
            stop_loss=Decimal("1.00"),
            magic=key.magic,
            comment=key.comment,
            created_at=now.replace(microsecond=0),
            expires_at=None if price is None else now.replace(microsecond=0) + timedelta(hours=1),
        )
        permit = Permit(
            key=key.text,
            attempt=1,
            token=token,
            not_after=now + timedelta(seconds=5),
            sent_at=now,
            journal_id=journal_id,
        )
        return self.gateway.submit(ACCOUNT, order, permit)

    def health(self) -> Health:
        return self.gateway.health(ACCOUNT)

    def truth(self) -> dict[str, Any]:
        """The broker's own books; shares no code with the bridge."""
        return self.control.truth(LOGIN)

    def crash_market(self) -> None:
        self.control.quote("EURUSD", CRASH_BID, CRASH_ASK)

    def log(self) -> str:
        return (self.folder / "bridge.log").read_text(encoding="utf-8", errors="replace")

    def _is_connected(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return self.health().connected
        except GatewayError:
            return False

    def _ledger_age_s(self) -> float:
        age_s = self.health().ledger_age_s
        return float("inf") if age_s is None else age_s


def _speak(gateway: BridgeGateway, lost: threading.Event) -> None:
    while not lost.wait(CONTACT_EVERY_S):
        gateway.readings((ACCOUNT,), datetime.now(UTC))


def _write_files(beside: Beside, simulator: str) -> None:
    folder = beside.folder
    (folder / "bridge.toml").write_text(
        f"""
[bridge]
listen = "127.0.0.1:{beside.port}"
token_env = "BRIDGE_TOKEN"
visibility_lag_s = 0.3
[simulator]
address = "{simulator}"
[accounts.{ACCOUNT}]
server = "{SERVER}"
login = {LOGIN}
mode = "demo"
password_env = "ACCOUNT_PASSWORD"
[accounts.{NEIGHBOUR}]
server = "{SERVER}"
login = {NEIGHBOUR_LOGIN}
mode = "demo"
password_env = "ACCOUNT_PASSWORD"
""",
        encoding="utf-8",
    )
    key = PersonKey(key_id=beside.key.key_id, public=beside.key.public, valid_from=LONG_AGO)
    save_people(folder / "people.toml", {"ruth": Person(name="ruth", role=Role.RISK, keys=(key,))})


@contextmanager
def running_beside(folder: Path) -> Iterator[Beside]:
    config = parse_config(
        {
            "state_dir": str(folder / "broker"),
            "fsync": False,
            "default_prices": "none",
            "accounts": [
                {"login": login, "password": PASSWORD, "server": SERVER, "balance": BALANCE}
                for login in (LOGIN, NEIGHBOUR_LOGIN)
            ],
            "prices": {"EURUSD": {"source": "fixed", "bid": str(BID), "ask": str(ASK)}},
        }
    )
    with start_broker(config) as broker:
        beside = Beside(folder, broker)
        try:
            beside.start()
            yield beside
        finally:
            beside.end()


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    with running_beside(tmp_path) as made:
        yield made


def trading(beside: Beside) -> None:
    """Two positions are open, and the ledger is there."""
    beside.control.quote("EURUSD", BID, ASK)  # a fresh tick tells the server's distance from UTC
    beside.find_ledger()
    for number, lots in enumerate(LOTS):
        outcome = beside.open(f"first-{number}", lots)
        assert outcome.state is OrderState.FILLED, outcome.sentence
    assert len(beside.truth()["positions"]) == len(LOTS)


def test_floor_reached_while_the_ledger_is_away_latches_and_closes(beside: Beside) -> None:
    trading(beside)
    assert beside.open("resting", price="1.02000").state is OrderState.ACCEPTED
    beside.sign_floor()
    beside.crash_market()
    time.sleep(3)  # three looks of a guard that must not act yet
    assert len(beside.truth()["positions"]) == len(LOTS)
    beside.lose_ledger()
    assert beside.health().latch is None

    eventually("the broker shows flat", lambda: beside.truth()["positions"] == [], 30)

    latch = beside.health().latch
    assert latch is not None
    assert latch.local
    assert "reached the floor 9000" in latch.reason
    eventually("flat is told", lambda: "last resort: flat" in beside.log())
    assert beside.truth()["orders"] == []
    assert _closes_of_ours(beside) == len(LOTS)

    beside.find_ledger()
    outcome = beside.open("after", token=2)
    assert (outcome.state, outcome.denial) == (OrderState.NOT_SENT, DenialReason.HALTED)
    eventually("the bridge stands down", lambda: "the last resort stands down" in beside.log())
    assert beside.truth()["positions"] == []


def test_ledger_away_without_a_floor_refuses_opens_and_closes_nothing(beside: Beside) -> None:
    trading(beside)
    beside.crash_market()
    beside.lose_ledger()
    beside.wait_silence()

    outcome = beside.open("after")

    assert outcome.state is OrderState.NOT_SENT, outcome.sentence
    time.sleep(5)  # five looks
    assert len(beside.truth()["positions"]) == len(LOTS)
    assert beside.health().latch is None
    assert "nothing will be closed" in beside.log()


@pytest.mark.slow
def test_bridge_killed_between_latch_and_close_goes_on_closing(beside: Beside) -> None:
    trading(beside)
    beside.sign_floor()
    beside.control.fault("reject", login=LOGIN, retcode=MARKET_CLOSED, count=None)
    beside.lose_ledger()
    beside.crash_market()
    eventually("the account is latched", lambda: beside.health().latch is not None, 30)
    eventually("the broker refused a close", lambda: "close position" in beside.log())
    beside.kill()
    assert len(beside.truth()["positions"]) == len(LOTS)

    beside.control.quote("EURUSD", BID, ASK)  # back above the floor: the latch alone is enough
    beside.control.clear_faults(LOGIN)
    beside.start()

    eventually("the broker shows flat", lambda: beside.truth()["positions"] == [], 60)


@pytest.mark.slow
def test_terminal_that_blocks_delays_no_other_account(beside: Beside) -> None:
    trading(beside)
    beside.sign_floor()
    beside.sign_floor(NEIGHBOUR, NEIGHBOUR_LOGIN)
    beside.control.fault("block", login=NEIGHBOUR_LOGIN, call="*", count=None)
    beside.lose_ledger()
    beside.wait_silence()
    beside.crash_market()

    eventually("the broker shows flat", lambda: beside.truth()["positions"] == [], 10)

    blind = f"{NEIGHBOUR}: last resort: nothing is known of the equity"
    eventually("the blocked one is told", lambda: blind in beside.log())


@pytest.mark.slow
def test_ledger_back_before_the_floor_is_confirmed_closes_nothing(beside: Beside) -> None:
    trading(beside)
    beside.sign_floor()
    beside.lose_ledger()
    beside.wait_silence()
    beside.find_ledger()
    beside.crash_market()
    time.sleep(5)
    assert len(beside.truth()["positions"]) == len(LOTS)
    assert beside.health().latch is None


def _closes_of_ours(beside: Beside) -> int:
    """How many closes of ours the broker carried out."""
    return sum(1 for row in beside.truth()["deals"] if row["entry"] == 1 and row["magic"] >= 1 << 52)
