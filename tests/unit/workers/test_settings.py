"""What a process reads from its environment."""

from pathlib import Path

import pytest

from config.settings import LogFormat, LogLevel, Settings, SettingsInvalid


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "fleet.toml"
    path.write_text("", encoding="utf-8")
    return str(path)


def test_only_the_file_is_needed(file: str) -> None:
    settings = Settings.from_env({"MT5FLEET_FILE": file})

    assert settings.fleet_file == Path(file)
    assert (settings.slots, settings.metrics_port, settings.sentry_dsn) == (None, None, None)
    assert (settings.log_format, settings.log_level) == (LogFormat.CONSOLE, LogLevel.INFO)


def test_every_wrong_variable_is_named_at_once(tmp_path: Path) -> None:
    environ = {
        "MT5FLEET_FILE": str(tmp_path / "missing.toml"),
        "MT5FLEET_SLOTS": "0",
        "MT5FLEET_URGENT_SLOTS": "two",
        "MT5FLEET_LOG_FORMAT": "xml",
        "MT5FLEET_METRICS_PORT": "70000",
    }

    with pytest.raises(SettingsInvalid) as raised:
        Settings.from_env(environ)

    assert [line.split(":")[0] for line in raised.value.problems] == list(environ)


def test_missing_file_says_how_to_write_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsInvalid, match="mt5fleet init"):
        Settings.from_env({})


def test_empty_variable_counts_as_not_set(file: str) -> None:
    settings = Settings.from_env({"MT5FLEET_FILE": file, "SENTRY_DSN": "", "MT5FLEET_SLOTS": ""})

    assert (settings.sentry_dsn, settings.slots) == (None, None)


def test_wrong_dsn_is_not_repeated_and_no_dsn_is_shown(file: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        Settings.from_env({"MT5FLEET_FILE": file, "SENTRY_DSN": "key-4711@host"})
    settings = Settings.from_env({"MT5FLEET_FILE": file, "SENTRY_DSN": "https://key-4711@host/1"})

    assert "4711" not in str(raised.value)
    assert "4711" not in repr(settings)
    assert settings.sentry_dsn == "https://key-4711@host/1"
