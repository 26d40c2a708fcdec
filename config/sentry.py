"""Error reports to Sentry: off without a DSN; no arguments, no local variables, no known secret."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.types import Breadcrumb, Event, Hint

from config.redaction import Redaction

#: Names that Sentry's own list does not know; `login` and `server` identify a real person's account.
DENYLIST = ["login", "account", "investor", "server", "envelope", "signature", "url", "dsn", "password_file"]


def start_sentry(dsn: str | None, *, environment: str, release: str, redaction: Redaction) -> bool:
    """Report errors when there is a DSN; tell whether it is on."""
    if dsn is None:
        return False
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        include_local_variables=False,  # frames of an executor hold orders and credentials
        # `send_default_pii` stays unset, which is off; `data_collection` would switch the scrubber off.
        max_request_body_size="never",
        # Crons count whole minutes, so our ticks are no monitors; headers of a wake-up stay as they are.
        integrations=[CeleryIntegration(propagate_traces=False, monitor_beat_tasks=False)],
        event_scrubber=EventScrubber(denylist=[*DEFAULT_DENYLIST, *DENYLIST], recursive=True),
        before_send=_before_send(redaction),
        before_breadcrumb=_before_breadcrumb(redaction),
        traces_sample_rate=None,  # latency is measured in the ledger, where a stage begins and ends
    )
    return True


def _before_send(redaction: Redaction) -> Any:
    def clean(event: Event, _hint: Hint) -> Event:
        cleaned: Event = redaction.value(dict(event))
        return cleaned

    return clean


def _before_breadcrumb(redaction: Redaction) -> Any:
    def clean(crumb: Breadcrumb, _hint: dict[str, Any]) -> Breadcrumb:
        cleaned: Breadcrumb = redaction.value(dict(crumb))
        return cleaned

    return clean
