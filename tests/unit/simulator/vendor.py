"""The drop-in as a program imports it, and the vendor's facts to hold it against."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.host.refusals import CallRefusedError
from mt5fleet.simulator.host.session import Session
from mt5fleet.simulator.process import dropin_folder

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
SURFACE: dict[str, Any] = json.loads(
    Path(__file__).with_name("vendor_surface.json").read_text(encoding="utf-8")
)
NOT_CONNECTED = (-10004, "No IPC connection")
SUCCESS = (1, "Success")


def fresh_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the drop-in anew, so that no call has been made yet."""
    monkeypatch.syspath_prepend(str(dropin_folder()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MetaTrader5"]:
        monkeypatch.delitem(sys.modules, name)
    return import_module("MetaTrader5")


class LocalLink:
    """A connection to a broker in this process; keeps what was asked."""

    def __init__(self, broker: Broker) -> None:
        self._session = Session(broker)
        self.asked: list[dict[str, Any]] = []

    def ask(self, request: dict[str, Any]) -> Any:
        self.asked.append(json.loads(json.dumps(request)))
        parameters = dict(self.asked[-1])
        try:
            answer = self._session.answer(parameters.pop("op"), parameters)
        except CallRefusedError as refused:
            return {"error": [refused.code, refused.text]}
        return answer if isinstance(answer, bytes) else json.loads(json.dumps({"ok": answer}))

    def close(self) -> None:
        self.asked.append({"op": "close"})


class ScriptedLink:
    """A connection that answers each operation as the test says, and keeps what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def ask(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        answer = self.answers[request["op"]]
        if isinstance(answer, list) and answer and callable(answer[0]):
            answer = answer.pop(0)()
        return answer if isinstance(answer, bytes | dict) else {"ok": answer}

    def close(self) -> None:
        self.asked.append({"op": "close"})


def attach(module: ModuleType, link: object) -> Any:
    """Give the module a connection, as `initialize` would."""
    core: Any = module
    core._core._terminal._link = link
    return link
