"""Takes secrets out of texts that are about to leave the process, in log lines and in error reports."""

import re
from collections.abc import Collection
from typing import Any

REMOVED = "[removed]"
SECRET_CHARS_MIN = 4  # shorter values stand in ordinary words and would blank them
NESTING_MAX = 20  # deeper values are removed whole rather than left unread
#: Names whose values are secrets wherever they appear.
SECRET_NAMES = re.compile(r"password|passwd|secret|dsn|credential|private|authorization", re.IGNORECASE)
#: user:password@ in any address, such as a Redis URL inside an exception text.
URL_PASSWORD = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)")


class Redaction:
    """Knows the secret values of this process, and names and shapes that are always secret."""

    def __init__(self, secrets: Collection[str]) -> None:
        """Longest values first, so that one inside another leaves nothing behind."""
        known = sorted((text for text in secrets if len(text) >= SECRET_CHARS_MIN), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without known secrets and without passwords in addresses."""
        text = URL_PASSWORD.sub(REMOVED, text)
        return text if self._known is None else self._known.sub(REMOVED, text)

    def value(self, value: Any, depth: int = 0) -> Any:
        """The value with every text in it cleaned, and every value of a secret name removed."""
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, (dict, list, tuple)):
            return value
        if depth >= NESTING_MAX:
            return REMOVED
        if isinstance(value, dict):
            return {name: self._named(name, item, depth) for name, item in value.items()}
        return [self.value(item, depth + 1) for item in value]

    def _named(self, name: object, value: Any, depth: int) -> Any:
        if isinstance(name, str) and SECRET_NAMES.search(name):
            return REMOVED
        return self.value(value, depth + 1)
