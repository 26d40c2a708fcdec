"""How often a bridge may be asked: token buckets that never stand in the way of what reduces risk."""

from collections import OrderedDict
from dataclasses import dataclass

from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.ports.clock import Clock

BUCKETS_MAX = 4096  # peers times accounts that are remembered; the one unused longest starts full again
_MINUTE_S = 60.0
_NEVER_LIMITED = frozenset({"latch", "close", "cancel"})
_OPENS = frozenset({"submit", "modify"})


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Rates:
    """Calls per peer and account, opens and modifies per account. Closes, cancels and latches always pass.

    Calls that carry a fencing token are counted apart: what loops beside an owner does not stop its reads.
    """

    def __init__(self, limits: BridgeLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._calls: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()
        self._opens: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()

    def refusal(self, operation: str, peer: str, account: str, *, is_owner: bool = False) -> str:
        """Which limit this call breaks, for people; empty when it may pass, which is counted."""
        limits = self._limits
        if operation in _NEVER_LIMITED:
            return ""
        caller = (peer, account, "owner" if is_owner else "")
        if not self._take(self._calls, caller, limits.calls_per_s_max, limits.calls_burst_max):
            return f"more than {limits.calls_per_s_max:g} calls a second (limits.calls_per_s_max): slow down"
        opens = limits.opens_per_minute_max
        if operation in _OPENS and not self._take(self._opens, (account,), opens / _MINUTE_S, opens):
            return (
                f"more than {opens} opens and modifies a minute (limits.opens_per_minute_max); wait a while"
            )
        return ""

    def _take(
        self, buckets: OrderedDict[tuple[str, ...], _Bucket], key: tuple[str, ...], per_s: float, burst: int
    ) -> bool:
        now_s = self._clock.monotonic_s()
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = _Bucket(burst, now_s)
            if len(buckets) > BUCKETS_MAX:
                buckets.popitem(last=False)
        buckets.move_to_end(key)
        bucket.tokens = min(burst, bucket.tokens + (now_s - bucket.at_s) * per_s)
        bucket.at_s = now_s
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
