"""Remembers what was told: a state that lasts is told once per process, not with every look at it."""


class ToldOnce:
    """A bounded set of subjects; when it is full the oldest are forgotten, and may be told again."""

    def __init__(self, subjects_max: int) -> None:
        self._subjects_max = subjects_max
        self._told: dict[str, None] = {}

    def first(self, subject: str) -> bool:
        """Whether this subject was not told yet; it counts as told from now on."""
        if subject in self._told:
            return False
        while len(self._told) >= self._subjects_max:
            del self._told[next(iter(self._told))]
        self._told[subject] = None
        return True

    def over(self, subject: str) -> None:
        """The state has ended: its next appearance is told again."""
        self._told.pop(subject, None)
