"""Asks one module and keeps its answers, with what `last_error` said and what was raised."""

from collections.abc import Callable
from typing import TypeAlias

from mt5fleet.simulator.comparing.describing import TYPES, Described, Focus, Vendor, described

BROKEN = (-10001, -10002)
"""Codes of a connection that has just broken."""

Answer: TypeAlias = dict[str, Described]


class Asker:
    """The answers of one module, by topic and question."""

    def __init__(self, module: Vendor, attach: Callable[[], object]) -> None:
        self.module = module
        self._attach = attach
        self.answers: dict[str, dict[str, Answer]] = {}

    def ask(
        self, topic: str, question: str, call: Callable[[Vendor], Vendor], focus: Focus = TYPES
    ) -> Vendor:
        """Make one call; return what it gave, None when it raised."""
        given = None
        try:
            given = call(self.module)
            answer: Answer = {"gave": described(given, focus)}
        except Exception as error:  # noqa: BLE001  # the module's exceptions are answers as well
            answer = {"raised": f"{type(error).__name__}: {error}"}
        code, text = self.module.last_error()
        answer["last_error"] = repr((code, text))
        self.answers.setdefault(topic, {})[question] = answer
        if code in BROKEN:
            self._attach()  # what one call breaks must not spoil the answers to all later ones
        return given

    def note(self, topic: str, question: str, answer: Answer) -> None:
        """Keep an answer that took no call."""
        self.answers.setdefault(topic, {})[question] = answer
