"""What Flower shows of a wake-up, and that no secret is in it, in a log, in an event or in Redis."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import redis

from mt5fleet.messages import TASK_EXECUTE, TASK_INTAKE
from tests.integration.fleet.conftest import StartFleet
from tests.support.fleet import PASSWORD, ROOT, TOKEN, LocalFleet, Shape, eventually, free_port

LOGIN = ("ops", "Pl4nted-flower-pass")
STOP_S_MAX = 15.0


class Flower:
    """Flower's own web interface."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, auth: tuple[str, str] | None = LOGIN) -> httpx.Response:
        return httpx.get(self.url + path, auth=auth, timeout=10)

    def tasks(self, name: str) -> list[dict[str, Any]]:
        return [task for task in self.get("/api/tasks").json().values() if task["name"] == name]

    def is_up(self) -> bool:
        try:
            return self.get("/healthcheck").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def sees(self, worker: str) -> bool:
        return any(name.startswith(worker) for name in self.get("/api/workers?refresh=1").json())


@contextmanager
def running_flower(fleet: LocalFleet) -> Iterator[Flower]:
    """Flower as docs/flower.md starts it."""
    port = free_port()
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "flower", f"--port={port}"]
    environment = {**fleet.environment, "FLOWER_BASIC_AUTH": ":".join(LOGIN)}
    with (fleet.logs / "flower.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--address=127.0.0.1"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        flower = Flower(port)
        eventually("Flower answers", flower.is_up)
        eventually("Flower sees the worker", lambda: flower.sees("worker-1"))
        yield flower
    finally:
        process.terminate()
        process.wait(STOP_S_MAX)


def test_wake_ups_show_accounts_signals_and_outcomes_behind_a_login(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2))
    client = fleet.client()
    with running_flower(fleet) as flower:
        ids = [f"sig-{number:02d}" for number in range(12)]
        client.submit_many([fleet.open_signal(client, one) for one in ids])
        fleet.wait_final(client, ids)

        def shown() -> bool:
            results = [task["result"] or "" for task in flower.tasks(TASK_EXECUTE)]
            return any("sig-00" in result and "FILLED" in result for result in results)

        eventually("an execution with its signals", shown)
        accounts = {task["args"] for task in flower.tasks(TASK_EXECUTE)}
        assert any("acct-01" in argument for argument in accounts), accounts
        assert any("sig-00" in (task["result"] or "") for task in flower.tasks(TASK_INTAKE))
        assert flower.get("/api/tasks", auth=None).status_code == httpx.codes.UNAUTHORIZED


def test_planted_secrets_are_nowhere_but_beside_the_terminal(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2, environment={"MT5FLEET_LOG_LEVEL": "DEBUG"}))
    client = fleet.client()
    with running_flower(fleet) as flower:
        client.submit(fleet.open_signal(client, "only"))
        fleet.wait_final(client, ["only"])
        eventually("the execution is shown", lambda: flower.tasks(TASK_EXECUTE))
        shown = flower.get("/api/tasks").text + flower.get("/api/workers?refresh=1").text
    places = {"Flower": shown, "logs": fleet.told(), "Redis": everything_in(fleet)}

    for place, text in places.items():
        assert text, place
        assert PASSWORD not in text, place
        assert TOKEN not in text, place
    for name in ("worker-1", "beat", "simulator"):
        environment = psutil.Process(fleet.pids()[name]).environ()
        assert PASSWORD not in environment.values(), name


def everything_in(fleet: LocalFleet) -> str:
    """Every key of Redis with its content, as the server would write it to a disk."""
    with redis.Redis.from_url(fleet.redis.url) as server:
        return "".join(f"{key!r}{server.dump(key)!r}" for key in server.scan_iter(count=1000))
