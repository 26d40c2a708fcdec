"""Work for several bridges: one after another, or at the same time."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

T = TypeVar("T")


class Spread(Protocol):
    """Runs one piece of work per name; a name still at its last one is left alone until that ends."""

    def run(self, work: Mapping[str, Callable[[], T]], wait_s: float) -> tuple[list[T], tuple[str, ...]]:
        """The results that came within `wait_s`, and the names that are still at work.

        Raises what the work of a name raised, once all others had their time.
        """
        ...
