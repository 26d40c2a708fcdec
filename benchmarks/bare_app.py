"""What people run without the fleet.

One Celery task that checks a signature, claims the id and sends the order.

It keeps no record before the send, asks nothing, guards nothing, and its order is lost or doubled when it
is killed.
"""

import hashlib
import hmac
import json
import os
from typing import Any

import MetaTrader5
import redis
from celery import Celery

from benchmarks.bare_app_names import EXECUTE, SECRET

FILL_OR_KILL = 0

app = Celery("bare", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
_store = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"], decode_responses=True)
_session: dict[str, bool] = {}


@app.task(name=EXECUTE)
def execute(body: str, signature: str) -> None:
    """Verify, claim, send, record."""
    expected = hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        return
    order = json.loads(body)
    if not _store.set(f"claim:{order['id']}", 1, nx=True, px=3_600_000):
        return
    _connect()
    result = MetaTrader5.order_send(_request(order))
    with _store.pipeline(transaction=False) as pipe:
        pipe.hset(f"outcome:{order['id']}", mapping={"retcode": result.retcode, "order": result.order})
        pipe.xadd("events", {"id": order["id"]}, maxlen=10_000, approximate=True)
        pipe.execute()


def _connect() -> None:
    if not _session:
        login, password, server = json.loads(os.environ["BENCH_ACCOUNT"])
        if not MetaTrader5.initialize(login=login, password=password, server=server):
            raise RuntimeError(f"no session: {MetaTrader5.last_error()}")
        _session["open"] = True


def _request(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": MetaTrader5.TRADE_ACTION_DEAL,
        "symbol": order["symbol"],
        "volume": 0.01,
        "type": MetaTrader5.ORDER_TYPE_BUY,
        "type_filling": FILL_OR_KILL,
        "comment": order["id"][:29],
    }
