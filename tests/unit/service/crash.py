"""Ports that end the process at a chosen call: a BaseException that no handler of the services may catch."""

from collections.abc import Callable, Iterator
from typing import Any


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Counts port calls of a process and ends it at one of them, before or after the call took effect."""

    def __init__(self, at_call: int | None = None, *, after: bool = False) -> None:
        self.calls = 0
        self._at_call = at_call
        self._after = after

    def through(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        struck = self.calls == self._at_call
        if struck and not self._after:
            raise Killed
        try:
            return call(*args, **kwargs)
        finally:
            if struck:
                raise Killed


class Fused:
    """A port behind a fuse."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if not callable(member):
            return member
        return lambda *args, **kwargs: self._fuse.through(member, *args, **kwargs)


def every_call(run: Callable[[Fuse], None]) -> Iterator[tuple[int, bool]]:
    """Each call number of an undisturbed run, with the kill before and after it."""
    counted = Fuse()
    run(counted)
    for number in range(1, counted.calls + 1):
        yield number, False
        yield number, True
