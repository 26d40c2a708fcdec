"""What `python -m workers` says when it cannot start."""

from pathlib import Path

import pytest

from workers import up
from workers.__main__ import main


def test_missing_file_is_refused_with_its_name_and_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = up.main(["--file", str(tmp_path / "none.toml")])

    assert code == 2
    assert "none.toml" in capsys.readouterr().err


def test_wrong_field_of_the_file_is_refused_with_its_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text("[redis]\nledger_url = 'redis://h/0'\n[workers]\nprocesses = 0\n", encoding="utf-8")

    assert main(["up", "--file", str(file)]) == 2
    assert "workers.processes" in capsys.readouterr().err


def test_token_that_is_not_there_is_refused_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fleet.toml"
    account = "[accounts.a]\nserver = 'S'\nlogin = 1\nmode = 'demo'\n"
    bridge = "[bridges.local]\ntoken_env = 'NO_SUCH_TOKEN'\n"
    file.write_text(f"[redis]\nledger_url = 'redis://h/0'\n{account}{bridge}", encoding="utf-8")

    assert main(["up", "--file", str(file)]) == 2
    assert "bridges.local.token: environment variable NO_SUCH_TOKEN" in capsys.readouterr().err


def test_unknown_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == 2
    assert "python -m workers up" in capsys.readouterr().err
