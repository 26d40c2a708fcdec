"""The lines of every part on one screen: each with its part's name, in the part's colour."""

import sys
import threading
from collections.abc import Callable
from typing import IO, TextIO

from workers.part import Part

COLOURS = (36, 33, 35, 32, 34, 31)  # ANSI: cyan, yellow, magenta, green, blue, red
NAME_CHARS = 12
LINE_BYTES_MAX = 16_384  # a longer line is shown in pieces


class Screen:
    """Writes whole lines, so that parts do not cut into each other."""

    def __init__(self, stream: TextIO) -> None:
        """Colour only where a person looks."""
        self._stream = stream
        self._colour = stream.isatty()
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}

    def say(self, name: str, text: str) -> None:
        """One line of the part `name`."""
        with self._lock:
            self._stream.write(f"{self._prefix(name)} {text}\n")
            self._stream.flush()

    def follow(self, part: Part, lines: IO[bytes]) -> None:
        """Show a process's lines until it closes them, in a thread of its own."""
        threading.Thread(target=self._copy, args=(part.name, lines), daemon=True).start()

    def _copy(self, name: str, lines: IO[bytes]) -> None:
        with lines:
            for line in iter(lambda: lines.readline(LINE_BYTES_MAX), b""):
                self.say(name, line.decode(errors="replace").rstrip())

    def _prefix(self, name: str) -> str:
        label = f"{name:<{NAME_CHARS}} |"
        if not self._colour:
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"


def stdout_screen() -> Screen:
    """The supervisor's own standard output."""
    return Screen(sys.stdout)


Say = Callable[[str, str], None]
