"""The process that owns one terminal: `python -m mt5fleet.bridge.child`, started by the bridge only.

Standard input: one line of JSON with the configuration, then request frames; standard output: answer frames
and nothing else. It ends when its standard input does. Only here is `MetaTrader5` imported.
"""

import json
import logging
import os
import secrets
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from queue import Queue
from typing import BinaryIO, cast

from mt5fleet.adapters.bridge.frames import BadFrame, Ended, Json, Message, packed, read_frame
from mt5fleet.adapters.bridge.operations import Operation, operation_of, pack_error
from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.link import Link
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.shapes import Module
from mt5fleet.adapters.sqlite.journal import JournalRefused, SqliteJournal, journal_path
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import FleetError, Unanswered, Unreachable
from mt5fleet.ports.clock import Clock

CONFIG_BYTES_MAX = 64 * 1024  # one account's configuration is below one kilobyte
FINISH_S_MAX = 10.0  # for the call in hand when the bridge has died
EXIT_REFUSED = 3  # the journal or the module cannot be used; starting again at once will not help
JOURNAL_ID_BYTES = 16
_WITHOUT_TERMINAL = ("health", "latch")

_log = logging.getLogger("mt5fleet.bridge.child")


def main() -> int:
    """Serve one account until standard input ends."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    answers = _protocol_output()
    config = _read_config(sys.stdin.buffer)
    clock = SystemClock()
    try:
        desk = _open_desk(config, clock)
    except (JournalRefused, ImportError) as error:
        answers(packed({"failed": str(error)}))
        return EXIT_REFUSED
    answers(packed({"ready": desk.start()}))
    requests: Queue[Message | None] = Queue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    while (request := requests.get()) is not None:
        answers(packed(desk.answer(request)))
    return 0


@dataclass(frozen=True, slots=True)
class Desk:
    """One account's gateway behind the wire."""

    account: str
    gateway: ModuleGateway
    link: Link

    def start(self) -> str:
        """Connect; the reason why not, or nothing. A terminal that is away is tried again at every call."""
        why_not = self.link.connect()
        if why_not is None:
            self.gateway.learn_offset()
        return why_not or ""

    def answer(self, request: Message) -> Message:
        """The answer to one request; whatever goes wrong becomes an error that says what is known."""
        try:
            operation = operation_of(request.get("operation"))
            arguments = operation.unpack(request.get("arguments"))
            self._ensure_connected(operation)
            return {"ok": operation.pack_answer(self._call(operation, arguments, request.get("arrived_at")))}
        except FleetError as error:
            return {"error": pack_error(error)}
        except Exception:  # noqa: BLE001  # the process boundary: an unknown fault must answer "not known"
            _log.exception("account %s: %s failed", self.account, request.get("operation"))
            return {
                "error": pack_error(
                    Unanswered("the bridge failed while it carried out the call; see its log")
                )
            }

    def _ensure_connected(self, operation: Operation) -> None:
        """Reconnect where it is needed: a latch needs no terminal, and health says itself what is wrong."""
        try:
            self.link.ensure()
        except Unreachable:
            if operation.name not in _WITHOUT_TERMINAL:
                raise

    def _call(self, operation: Operation, arguments: dict[str, object], arrived_at: Json) -> object:
        if operation.name == "submit" and isinstance(arrived_at, str):
            arguments = {**arguments, "arrived_at": datetime.fromisoformat(arrived_at)}
        call = cast("Callable[..., object]", getattr(self.gateway, operation.name))
        return call(self.account, **arguments)


def _open_desk(config: Message, clock: Clock) -> Desk:
    settings = _settings(config)
    journal = SqliteJournal(
        journal_path(Path(str(config["journal_dir"])), settings.server, settings.login),
        server=settings.server,
        login=settings.login,
        clock=clock,
        new_id=lambda: secrets.token_hex(JOURNAL_ID_BYTES),
    )
    # The package is untyped and exists on Windows only; `Module` names what is used of it.
    module = cast("Module", import_module("MetaTrader5"))
    link = Link(
        module,
        clock,
        path=str(config["terminal_path"]),
        login=settings.login,
        server=settings.server,
        password=str(config["password"]),
        timeout_ms=int(str(config["start_timeout_ms"])),
    )
    gateway = ModuleGateway(module, settings, journal, clock)
    return Desk(settings.account, gateway, link)


def _settings(config: Message) -> TerminalSettings:
    return TerminalSettings(
        account=str(config["account"]),
        server=str(config["server"]),
        login=int(str(config["login"])),
        mode=Mode(str(config["mode"])),
        shadow=config["shadow"] is True,
        visibility_lag_s=float(str(config["visibility_lag_s"])),
        settle_s=float(str(config["settle_s"])),
        unanswered_s=float(str(config["unanswered_s"])),
        quote_age_s_max=Decimal(str(config["quote_age_s_max"])),
        server_offset_s=_number_or_none(config["server_offset_s"]),
    )


def _protocol_output() -> Callable[[bytes], None]:
    """Keep standard output for frames: whatever else prints goes to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(frame: bytes) -> None:
        stream.write(frame)
        stream.flush()

    return write


def _read_config(stream: BinaryIO) -> Message:
    line = stream.readline(CONFIG_BYTES_MAX)
    message = json.loads(line)
    if not isinstance(message, dict):
        raise BadFrame("configuration: is not a JSON object")
    return message


def _receive(stream: BinaryIO, requests: "Queue[Message | None]") -> None:
    """Pass requests on; when the bridge is gone, give the call in hand a while and end the process."""
    try:
        while True:
            requests.put(read_frame(stream))
    except (Ended, BadFrame, OSError):
        requests.put(None)
    watchdog = threading.Timer(FINISH_S_MAX, os._exit, args=(1,))
    watchdog.daemon = True
    watchdog.start()


def _number_or_none(given: Json) -> int | None:
    return None if given is None else int(str(given))


if __name__ == "__main__":
    sys.exit(main())
