from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from mt5fleet.adapters.redis.connection import client_of
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.testing.redis_server import RedisServer, running_redis
from tests.contract.ledger.rigs import MemoryRig, RedisRig, Rig, fake_rig


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(Path(tmp_path_factory.mktemp("ledger-redis")), appendonly=False) as server:
        yield server


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with client_of(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["memory", "fakeredis", "redis"])
def rig(request: pytest.FixtureRequest) -> Rig:
    if request.param == "memory":
        return MemoryRig()
    if request.param == "fakeredis":
        return fake_rig()
    return RedisRig(request.getfixturevalue("client"), LedgerSettings())
