"""The checked-in messages are what the protocol files say."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[3] / "src"
PROTOCOL = Path("mt5fleet/adapters/bridge/protocol")
NAMES = ("bridge", "child")


@pytest.mark.skipif(
    find_spec("grpc_tools") is None, reason="grpcio-tools is not installed: nothing to compare"
)
def test_the_generated_files_are_those_of_the_protocol_files(tmp_path: Path) -> None:
    files = [str(PROTOCOL / f"{name}.proto") for name in NAMES]
    out = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", *out, *files], cwd=SRC, check=True, timeout=60
    )

    for name in NAMES:
        for suffix in (".py", ".pyi"):
            made = PROTOCOL / f"{name}_pb2{suffix}"
            assert (tmp_path / made).read_text() == (SRC / made).read_text(), f"generate {made} again"
