"""The operator's side of a running broker, for tests, demos and the command line."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from mt5fleet.simulator.dropin.MetaTrader5._link import Link, LinkLostError

CONNECT_TIMEOUT_S = 10.0


class BrokerUnreachableError(Exception):
    """No broker answers at the address."""


class CommandRefusedError(Exception):
    """The broker refused a command; the text names field and rule."""


class BrokerControl:
    """Commands to a broker at `host:port`."""

    def __init__(self, address: str) -> None:
        try:
            self._link = Link(address, connect_timeout_s=CONNECT_TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise BrokerUnreachableError(f"{address}: no simulator answers here ({error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._link.close()

    def quote(self, symbol: str, bid: Decimal | str, ask: Decimal | str) -> None:
        """Set a quote by hand; the symbol's own source stays silent until `release_quotes`."""
        self._ask("quote", symbol=symbol, bid=str(bid), ask=str(ask))

    def quotes(self) -> dict[str, dict[str, Any]]:
        """Return bid, ask (decimal strings) and digits of every symbol that is quoted."""
        return dict(self._ask("quotes"))

    def release_quotes(self) -> None:
        self._ask("release_quotes")

    def deposit(self, login: int, amount: Decimal | str, comment: str = "") -> dict[str, Any]:
        """Deposit, or withdraw a negative amount; returns the deal."""
        return dict(self._ask("deposit", login=login, amount=str(amount), comment=comment))

    def reset(self, login: int | None = None) -> None:
        """Empty one account, or all, and deposit the starting balance again."""
        self._ask("reset", login=login)

    def fault(self, kind: str, **terms: object) -> None:
        """Arm a fault; terms as in `fault_terms.FaultTerms`."""
        self._ask("fault", fault={"kind": kind, **terms})

    def fault_script(self, faults: Sequence[Mapping[str, Any]]) -> int:
        """Arm and plan every fault of a script, or none when one of them is refused; returns how many."""
        return int(self._ask("fault_script", faults=[dict(fault) for fault in faults]))

    def faults(self) -> dict[str, Any]:
        """Return the standing and the planned faults, and how many of each kind have struck."""
        return dict(self._ask("faults"))

    def clear_faults(self, login: int | None = None) -> None:
        self._ask("clear_faults", login=login)

    def switch(self, login: int, changes: Mapping[str, Any]) -> None:
        """Change an account's switches, e.g. `{"autotrading": False}`."""
        self._ask("switch", login=login, changes=dict(changes))

    def clock(self) -> dict[str, Any]:
        """Return what the broker's clock shows: `now_ms`, `now` (ISO 8601), `speed`, `server_time_ms`."""
        return dict(self._ask("clock"))

    def set_clock(self, now: datetime | int | str) -> dict[str, Any]:
        """Show that moment from now on (aware, ISO 8601, or milliseconds UTC), forward or back."""
        told = now.isoformat() if isinstance(now, datetime) else now
        return dict(self._ask("clock_set", now=told))

    def step_clock(self, duration_ms: int) -> dict[str, Any]:
        return dict(self._ask("clock_step", duration_ms=duration_ms))

    def speed_clock(self, speed: float) -> dict[str, Any]:
        """Run that many simulated seconds in a real one; 0 stands still."""
        return dict(self._ask("clock_speed", speed=speed))

    def status(self) -> dict[str, Any]:
        return dict(self._ask("status"))

    def truth(self, login: int) -> dict[str, Any]:
        """Return one account's positions, orders, history and deals; money as decimal strings."""
        return dict(self._ask("truth", login=login))

    def all_truth(self) -> list[dict[str, Any]]:
        """Return every account's records."""
        return [self.truth(login) for login in self.status()["accounts"]]

    def _ask(self, name: str, **parameters: object) -> Any:  # noqa: ANN401  # plain JSON
        try:
            answer = self._link.ask({"op": "control", "command": name, **parameters})
        except LinkLostError as error:
            raise BrokerUnreachableError("the simulator closed the connection") from error
        if "error" in answer:
            raise CommandRefusedError(answer["error"][1])
        return answer["ok"]
