"""How every process of the fleet connects Celery to Redis: time-outs, redelivery, TLS.

Celery messages are wake-ups only: what these settings can lose or repeat costs time, never an order.
"""

import ssl
from urllib.parse import parse_qs, urlsplit, urlunsplit

from mt5fleet.domain.errors import InvalidValue

# Longest time a worker holds a wake-up is 20 s; three times that, or a running one would be given to another.
VISIBILITY_TIMEOUT_S = 60
SOCKET_TIMEOUT_S = 5  # kombu's default waits for ever on a stalled server
PRODUCER_TIMEOUT_S = 2  # a producer waits for its wake-up; the sweep comes every 2 s anyway
CONNECT_TIMEOUT_S = 3
POOL_ACQUIRE_TIMEOUT_S = 5  # of a producer from the pool; the default is for ever

_TLS_FIELDS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def options(
    role: str, *, visibility_timeout_s: int = VISIBILITY_TIMEOUT_S, socket_timeout_s: int = SOCKET_TIMEOUT_S
) -> dict[str, object]:
    """`broker_transport_options` of a process; `role` is shown in the server's CLIENT LIST.

    All workers of one database share the redelivery keys, and the shortest visibility time-out wins.
    """
    return {
        "visibility_timeout": visibility_timeout_s,
        "unacked_restore_interval": 2,  # seconds between looks; the default of 10 x 10 takes 100 s
        "unacked_restore_throttle": 1,  # every look scans
        "unacked_mutex_expire": 10,  # seconds a killed sweeper can stop the others; the default is 300
        "priority_steps": [0],  # one list per queue: urgent work has a queue of its own
        "socket_timeout": socket_timeout_s,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "client_name": role,
    }


def connection_settings(broker_url: str) -> dict[str, object]:
    """The Celery settings that name the broker; raises InvalidValue for TLS without verification.

    Read and write address are set too, since CELERY_BROKER_URL would win over `broker_url`.
    """
    address, tls = split_tls(broker_url)
    return {
        "broker_url": address,
        "broker_read_url": address,
        "broker_write_url": address,
        "broker_use_ssl": tls,
        "broker_pool_acquire_timeout": POOL_ACQUIRE_TIMEOUT_S,
    }


def split_tls(url: str) -> tuple[str, dict[str, object] | None]:
    """The address without its TLS query, and `broker_use_ssl`; None for an address without TLS.

    kombu does not verify a bare `rediss://`: raises InvalidValue unless the address says whom to trust.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise InvalidValue("redis.broker_url", "must begin with redis:// or rediss://")
    if parts.scheme == "redis":
        return url, None
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if query.get("ssl_cert_reqs", "required").lower() not in ("required", "cert_required"):
        raise InvalidValue("redis.broker_url", "switches certificate checks off; remove ssl_cert_reqs")
    if "ssl_ca_certs" not in query:
        raise InvalidValue("redis.broker_url", "names no authority to trust; append ?ssl_ca_certs=FILE")
    files = {name: query[name] for name in _TLS_FIELDS if name in query}
    tls: dict[str, object] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **files}
    return urlunsplit(parts._replace(query="")), tls
