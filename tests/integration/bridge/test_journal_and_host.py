"""One journal under one host: a second host is refused, a killed one leaves everything to its successor."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mt5fleet.domain.errors import StaleToken, ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from tests.contract.gateway import running_bridge
from tests.contract.gateway.rigs import ACCOUNT, BridgeRig, bridge_rig, key_of, market, permit
from tests.integration.bridge.desks import WAIT_S_MAX


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BridgeRig]:
    with bridge_rig(tmp_path) as made:
        yield made


def host_of(rig: BridgeRig) -> psutil.Process:
    return psutil.Process(rig._bridge.process.pid)


def test_a_second_host_on_the_same_journal_is_refused_by_name_and_disturbs_nobody(
    rig: BridgeRig, tmp_path: Path
) -> None:
    script = Path(running_bridge.__file__).with_name("serve_bridge.py")
    port_file = tmp_path / "second.port"
    command = [sys.executable, str(script), str(tmp_path), rig.broker.address, str(port_file)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode != 0
    assert "bridge.journal: is in use by another bridge process: one bridge per journal_dir" in second.stderr
    assert not port_file.exists()
    key = key_of("undisturbed")
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.FILLED


def test_a_killed_host_takes_its_children_along_and_its_successor_has_the_same_journals(
    rig: BridgeRig,
) -> None:
    key = key_of("before-the-kill")
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    assert (
        rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=8)).state is OrderState.NOT_SENT
    )
    before = rig.gateway.bind(ACCOUNT, None, 0)
    host = host_of(rig)
    children = host.children(recursive=True)
    host.send_signal(signal.SIGKILL)
    assert children
    gone, alive = psutil.wait_procs(children, timeout=WAIT_S_MAX)
    assert (len(gone), alive) == (len(children), [])

    rig.restart()
    assert rig.gateway.bind(ACCOUNT, before.journal_id, before.sequence) == before
    health = rig.gateway.health(ACCOUNT)
    assert (health.newest_token, health.latched) == (8, True)
    with pytest.raises(StaleToken):
        rig.gateway.positions(ACCOUNT, token=7)
    with pytest.raises(ValueRefused, match="older copy"):
        rig.gateway.bind(ACCOUNT, before.journal_id, before.sequence + 1)


def test_a_removed_journal_opens_nothing_for_a_ledger_that_knows_the_old_one(rig: BridgeRig) -> None:
    key = key_of("removed")
    known = permit(rig, key)
    rig._bridge.end()
    for left in (rig.folder / "journal").glob("bridge.journal*"):
        left.unlink()
    rig.restart()
    refused = rig.gateway.submit(ACCOUNT, market(rig, key), known)
    assert (refused.state, rig.opened(key.magic)) == (OrderState.NOT_SENT, 0)
    with pytest.raises(ValueRefused, match="named person must bind"):
        rig.gateway.bind(ACCOUNT, known.journal_id, 0)
