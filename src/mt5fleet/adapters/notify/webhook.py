"""An alert as a JSON POST to an address of the operator's choice."""

from collections.abc import Mapping

import httpx

from mt5fleet.domain.record import Alert
from mt5fleet.ports.notifier import NotDelivered

TIMEOUT_S = 5.0  # connect, send and answer each; an alert that is slower is tried again later
RETRY_AFTER_S_MAX = 3600.0  # a channel may ask for patience, not for silence
TITLE_CHARS_MAX = 200
TEXT_CHARS_MAX = 4000  # what chat services commonly accept in one message
STATUS_OK = range(200, 300)


class WebhookChannel:
    """Posts `{severity, title, text, account, count}`; any 2xx is a delivery.

    The address may hold a secret (many services put a token in it), so no error text shows it.
    """

    def __init__(self, name: str, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        """Open one client for the life of the process; `transport` replaces the network."""
        self._name = name
        self._url = url
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, transport=transport)

    @property
    def name(self) -> str:
        return self._name

    def send(self, alert: Alert, count: int) -> None:
        try:
            answer = self._client.post(self._url, json=_body(alert, count))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The error's own text repeats the address.
            raise NotDelivered(f"{self._name}: {type(error).__name__}") from None
        if answer.status_code not in STATUS_OK:
            raise NotDelivered(f"{self._name}: answered {answer.status_code}", _wish(answer.headers))


def _body(alert: Alert, count: int) -> dict[str, str | int | None]:
    return {
        "severity": alert.severity.value,
        "title": alert.title[:TITLE_CHARS_MAX],
        "text": alert.text[:TEXT_CHARS_MAX],
        "account": alert.account,
        "count": count,
    }


def _wish(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; a date (RFC 9110, section 10.2.3) is left to our own backoff."""
    text = headers.get("retry-after", "")
    if not text.isascii() or not text.isdigit():
        return None
    return min(float(text), RETRY_AFTER_S_MAX)
