from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mt5fleet.simulator.process import BrokerProcess, start_broker
from tests.contract.gateway.brokers import simulator, use_dropin
from tests.contract.gateway.fake_rig import FakeRig
from tests.contract.gateway.rigs import Rig, bridge_rig, module_rig
from tests.contract.gateway.terms import USUAL, Terms


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One process for all tests of the session; each finds it as if it had just been started."""
    with start_broker(simulator(tmp_path_factory.mktemp("broker"))) as broker:
        yield broker


@pytest.fixture(params=["fake", "module", "bridge"])
def make_rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Terms], Rig]]:
    """A gateway of each kind, told what the test wants."""
    with ExitStack() as stack:

        def make(terms: Terms) -> Rig:
            if request.param == "fake":
                return FakeRig(terms)
            monkeypatch.setenv("MT5FLEET_SIMULATOR", "")
            use_dropin()
            kind = module_rig if request.param == "module" else bridge_rig
            shared: BrokerProcess = request.getfixturevalue("shared_broker")
            return stack.enter_context(kind(tmp_path, terms, shared))

        yield make


@pytest.fixture
def rig(make_rig: Callable[[Terms], Rig]) -> Rig:
    return make_rig(USUAL)
