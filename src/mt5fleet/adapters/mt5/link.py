"""Connecting the module to its terminal, and again when the connection was lost."""

from mt5fleet.adapters.mt5.codes import LastError
from mt5fleet.adapters.mt5.shapes import Module
from mt5fleet.domain.errors import Unreachable
from mt5fleet.ports.clock import Clock

CONNECT_ATTEMPTS_MAX = 3  # at the start; afterwards each call tries once
CONNECT_PAUSE_S = 0.5
RECONNECT_TIMEOUT_MS = 2_000  # inside a call, which has a deadline of its own
RECONNECT_EVERY_S = 1.0  # at most so often, so that a dead terminal does not eat every call's time


class Link:
    """One terminal's connection. The password stays in here."""

    def __init__(
        self,
        module: Module,
        clock: Clock,
        *,
        path: str,
        login: int,
        server: str,
        password: str,
        timeout_ms: int,
    ) -> None:
        self._module = module
        self._clock = clock
        self._path = path
        self._login = login
        self._server = server
        self._password = password
        self._timeout_ms = timeout_ms
        self._why_not: str | None = "not connected yet"
        self._tried_at_s = 0.0

    def connect(self) -> str | None:
        """Connect with a few tries; the reason when it did not work."""
        for attempt in range(CONNECT_ATTEMPTS_MAX):
            if attempt:
                self._clock.sleep_s(CONNECT_PAUSE_S)
            self._why_not = self._initialize(self._timeout_ms)
            if self._why_not is None:
                break
        return self._why_not

    def ensure(self) -> bool:
        """Reconnect when the terminal is gone; gives whether that was so, raises Unreachable while it is."""
        if self._why_not is None and self._module.terminal_info() is not None:
            return False
        now_s = self._clock.monotonic_s()
        if self._why_not is None or now_s - self._tried_at_s >= RECONNECT_EVERY_S:
            self._tried_at_s = now_s
            self._why_not = self._initialize(RECONNECT_TIMEOUT_MS)
        if self._why_not is not None:
            raise Unreachable(self._why_not)
        return True

    def _initialize(self, timeout_ms: int) -> str | None:
        path = (self._path,) if self._path else ()
        connected = self._module.initialize(
            *path,
            login=self._login,
            password=self._password,
            server=self._server,
            timeout=timeout_ms,
            portable=False,
        )
        if connected:
            return None
        code, text = self._module.last_error()
        if code == LastError.AUTH_FAILED:
            return "the broker refused login, server or password: check the account's configuration"
        place = f" at {self._path}" if self._path else ""
        return f"the terminal{place} is not connected ({code}: {text})"
