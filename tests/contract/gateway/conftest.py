from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.gateway.fake_rig import FakeRig
from tests.contract.gateway.rigs import Rig, bridge_rig, module_rig, use_dropin
from tests.contract.gateway.terms import USUAL, Terms


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
            return stack.enter_context(kind(tmp_path, terms))

        yield make


@pytest.fixture
def rig(make_rig: Callable[[Terms], Rig]) -> Rig:
    return make_rig(USUAL)
