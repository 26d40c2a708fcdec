"""Channels that carry alerts to people."""

from typing import Protocol

from mt5fleet.domain.record import Alert


class Channel(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """The channel's name in `fleet.toml`."""
        ...

    def send(self, alert: Alert, count: int) -> None:
        """Deliver; raises NotDelivered. `count` is how many equal alerts this one stands for."""
        ...


class NotDelivered(Exception):
    """The channel did not confirm the delivery. `retry_after_s` is what the channel asked for, if it did."""

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        """Keep the channel's own wish apart from the text."""
        super().__init__(text)
        self.retry_after_s = retry_after_s
