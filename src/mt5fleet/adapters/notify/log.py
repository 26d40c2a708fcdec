"""The channel that cannot fail: an alert as a log line."""

import logging

from mt5fleet.domain.record import Alert, Severity

LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}

logger = logging.getLogger("mt5fleet.alerts")


class LogChannel:
    """Writes alerts to the logger `mt5fleet.alerts`, at the level of their severity."""

    def __init__(self, name: str) -> None:
        """Take the name from `fleet.toml`."""
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def send(self, alert: Alert, count: int) -> None:
        about = "" if alert.account is None else f" account={alert.account}"
        times = "" if count == 1 else f" (x{count})"
        logger.log(LEVELS[alert.severity], "alert: %s%s%s: %s", alert.title, times, about, alert.text)
