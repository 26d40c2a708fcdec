"""The same work for several bridges at the same time: one that hangs makes no other one wait."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


class ThreadSpread:
    """Spread port on a thread per bridge."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: set[str] = set()

    def run(self, work: Mapping[str, Callable[[], T]], wait_s: float) -> tuple[list[T], tuple[str, ...]]:
        started = {name: self._start(name, work[name]) for name in self._free(work)}
        ended, _ = wait(started.values(), timeout=wait_s)
        late = tuple(name for name in work if started.get(name) not in ended)
        return [started[name].result() for name in started if started[name] in ended], late

    def _free(self, work: Mapping[str, object]) -> list[str]:
        with self._guard:
            free = [name for name in work if name not in self._running]
            self._running.update(free)
        return free

    def _start(self, name: str, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        # A daemon: a bridge that hangs must not keep a stopping process alive.
        thread = threading.Thread(target=self._work, args=(name, work, future), daemon=True)
        thread.start()
        return future

    def _work(self, name: str, work: Callable[[], T], future: "Future[T]") -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for this bridge
            self._end(name)
            future.set_exception(error)
        else:
            self._end(name)
            future.set_result(result)

    def _end(self, name: str) -> None:
        with self._guard:
            self._running.discard(name)
