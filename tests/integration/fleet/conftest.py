"""Fleets of real processes, started by the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fleet import LocalFleet, Shape, running_fleet

StartFleet = Callable[[Shape], LocalFleet]


@pytest.fixture
def start_fleet(tmp_path: Path) -> Iterator[StartFleet]:
    """Start a fleet that ends with the test."""
    with ExitStack() as stack:
        yield lambda shape: stack.enter_context(running_fleet(tmp_path, shape))
