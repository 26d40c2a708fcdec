"""An address that takes alerts and remembers them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """What arrived, oldest first; answers `status` from now on."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.status = 204
        self.url = ""

    def titles(self) -> list[str]:
        return [str(alert["title"]) for alert in self.alerts]


@contextmanager
def listening_webhook() -> Iterator[Webhook]:
    """Listen on a free port of this machine."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if hook.status == 204:
                hook.alerts.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/alerts"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()
