"""Clients for the ledger: bounded waits, one quick retry on a broken connection, TLS with verification."""

from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

CONNECT_S = 2.0  # a server in reach answers in milliseconds
ANSWER_S = 5.0  # the longest script takes milliseconds; longer means a stalled server
HEALTH_CHECK_S = 15  # idle connections are tried before use, so that dropped ones cost no order
CONNECTIONS_MAX = 128  # of one process: its pool of threads, twice over
RETRIES = 1  # every operation can be repeated; more would hide an outage from the caller
_TLS = {"rediss"}
_PLAIN = {"redis", "unix"}


def client_of(
    url: str, *, answer_s: float = ANSWER_S, connect_s: float = CONNECT_S, ca_file: str | None = None
) -> redis.Redis:
    """A client for the ledger's URL; nothing is sent yet.

    Raises:
        ValueError: the scheme is not redis, rediss or unix, or TLS is asked for without verification.
    """
    _check(url)
    tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": ca_file}
    options = tls if urlsplit(url).scheme in _TLS else {}
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        # A message that is no UTF-8 is refused by its signature; raising here would stop everybody's signals.
        encoding_errors="replace",
        socket_timeout=answer_s,
        socket_connect_timeout=connect_s,
        health_check_interval=HEALTH_CHECK_S,
        max_connections=CONNECTIONS_MAX,
        # A time-out is not retried: the caller waited long enough already.
        retry=Retry(
            ExponentialBackoff(cap=0.1, base=0.02), RETRIES, supported_errors=(redis.ConnectionError,)
        ),
        **options,
    )


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in _TLS | _PLAIN:
        raise ValueError("ledger.url: must begin with redis://, rediss:// or unix://")
    query = parse_qs(parts.query)
    if query.get("ssl_cert_reqs", ["required"]) != ["required"]:
        raise ValueError(
            "ledger.url: rediss:// must verify the server: leave ssl_cert_reqs out, or set required"
        )
    if query.get("ssl_check_hostname", ["true"])[-1].lower() not in {"true", "1", "yes"}:
        raise ValueError("ledger.url: rediss:// must check the server's name: leave ssl_check_hostname out")
