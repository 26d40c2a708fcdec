"""The module's one connection to the broker, and its one `last_error`."""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any

from . import _constants as constants
from ._arguments import FalseError, PendingError, RefusedError
from ._holding import HoldingLink
from ._link import Link, LinkLostError

ADDRESS_VARIABLE = "MT5FLEET_SIMULATOR"
HOLDING_VARIABLE = "MT5FLEET_SIMULATOR_HOLDS_GIL"
"""Set to 1, a call that waits for an answer stops every thread of the program, as the vendor's calls do."""

CONNECT_TIMEOUT_MS = 60_000
MS_PER_S = 1000

SUCCESS = (constants.RES_S_OK, "Success")


class Connection:
    """One program's connection to a terminal."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self.said: tuple[int, str] = (0, "")  # what `last_error` tells
        # One call at a time per process, as the vendor's functions hold the GIL while they wait.
        self._one_call = RLock()
        self._is_asking = False

    def call(self, name: str, work: Callable[[], Any], failed: Any) -> Any:
        """Return what `work` gives, or `failed` when it is refused; `last_error` says how it went.

        Raises:
            SystemError: A C conversion failed, as an interpreter reports it.
        """
        with self._one_call:
            self.said = SUCCESS
            try:
                return work()
            except PendingError as pending:
                self.said = (pending.code, pending.text)
                problem = f"<built-in function {name}> returned a result with an exception set"
                raise SystemError(problem) from pending.__cause__
            except RefusedError as refused:
                self.said = (refused.code, refused.text)
                return False if isinstance(refused, FalseError) else failed

    def open(self, timeout_ms: int) -> None:
        """Connect to the broker that the environment names.

        Raises:
            RefusedError: It cannot be reached.
        """
        address = os.environ.get(ADDRESS_VARIABLE, "")
        if not address:
            raise _not_initialised(
                f"MetaTrader 5 x64 not found: {ADDRESS_VARIABLE}=host:port names no simulator"
            )
        kind = HoldingLink if os.environ.get(HOLDING_VARIABLE) == "1" else Link
        try:
            self._link = kind(address, connect_timeout_s=timeout_ms / MS_PER_S)
        except TimeoutError as error:
            raise RefusedError(constants.RES_E_INTERNAL_FAIL_TIMEOUT, "IPC timeout") from error
        except (OSError, ValueError) as error:
            raise _not_initialised(f"Process create failed '{address}'") from error

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None

    def ask(self, operation: str, **parameters: Any) -> Any:
        """Return the broker's answer: plain values, or `bytes` when it is packed rows.

        Raises:
            RefusedError: It refused, or the connection is not there (any more).
        """
        if self._link is None:
            raise RefusedError(constants.RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")
        if self._is_asking:
            # Called by a signal's handler or a finalizer in the middle of a call: answers come in the order
            # of the questions, and this one would read the other's.
            raise RefusedError(constants.RES_E_INTERNAL_FAIL, "IPC call failed")
        self._is_asking = True
        try:
            answer = self._link.ask({"op": operation, **parameters})
        except LinkLostError as lost:
            self.close()
            if lost.while_sending:
                raise RefusedError(constants.RES_E_INTERNAL_FAIL_SEND, "IPC send failed") from lost
            raise RefusedError(constants.RES_E_INTERNAL_FAIL_RECEIVE, "IPC recv failed") from lost
        except BaseException:
            # A signal's handler raised; the answer is on its way, and no later call may take it for its own.
            self.close()
            raise
        finally:
            self._is_asking = False
        if isinstance(answer, bytes):
            return answer
        if "error" in answer:
            raise RefusedError(*answer["error"])
        return answer["ok"]


def _not_initialised(reason: str) -> RefusedError:
    return RefusedError(constants.RES_E_INTERNAL_FAIL_INIT, f"IPC initialize failed, {reason}")
