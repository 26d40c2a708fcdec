"""The private Redis of tests and demo, on a real server."""

from pathlib import Path

import pytest
import redis

from mt5fleet.testing.redis_server import (
    PortTakenError,
    RedisServerFailedError,
    RedisServerMissingError,
    find_redis_server,
    running_redis,
)


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)


def test_server_answers_with_append_only_file_and_without_eviction(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server, _client(server.url) as client:
        assert client.config_get("appendonly", "maxmemory-policy", "appendfsync", "save") == {
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "appendfsync": "everysec",
            "save": "",
        }


def test_killed_server_comes_back_on_its_port_with_what_was_synced(tmp_path: Path) -> None:
    with running_redis(tmp_path, extra=("--appendfsync", "always")) as server:
        first_pid, first_url = server.pid, server.url
        with _client(server.url) as client:
            client.set("kept", "yes")

        server.restart()

        assert server.pid != first_pid
        assert server.url == first_url
        with _client(server.url) as client:
            assert client.get("kept") == b"yes"


def test_killed_server_without_append_only_file_forgets(tmp_path: Path) -> None:
    with running_redis(tmp_path, appendonly=False) as server:
        with _client(server.url) as client:
            client.set("kept", "yes")

        server.restart()

        with _client(server.url) as client:
            assert client.get("kept") is None


def test_leaving_the_block_by_an_error_still_kills_the_server(tmp_path: Path) -> None:
    urls = []

    def use_and_fail() -> None:
        with running_redis(tmp_path) as server:
            urls.append(server.url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use_and_fail()

    with _client(urls[0]) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_taken_port_is_refused_and_the_first_server_stays(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    with running_redis(tmp_path) as server:
        with pytest.raises(PortTakenError), running_redis(second, port=server.port):
            pytest.fail("a second server ran on the same port")

        with _client(server.url) as client:
            assert client.ping()


def test_server_that_refuses_its_arguments_is_an_error_with_its_reason(tmp_path: Path) -> None:
    with (
        pytest.raises(RedisServerFailedError, match="no-such-option"),
        running_redis(tmp_path, extra=("--no-such-option", "1")),
    ):
        pytest.fail("a server ran with an unknown option")


def test_named_binary_that_does_not_exist_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MT5FLEET_REDIS_SERVER", str(tmp_path / "absent"))

    with pytest.raises(RedisServerMissingError, match="MT5FLEET_REDIS_SERVER"):
        find_redis_server()
