from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.gateway.rigs import FakeRig, Rig, bridge_rig, module_rig, use_dropin


@pytest.fixture(params=["fake", "module", "bridge"])
def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    monkeypatch.setenv("MT5FLEET_SIMULATOR", "")
    use_dropin()
    with module_rig(tmp_path) if request.param == "module" else bridge_rig(tmp_path) as made:
        yield made
