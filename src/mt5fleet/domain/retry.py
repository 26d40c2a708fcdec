"""How long to wait before something is tried again."""


def backoff_ms(failed: int, *, base_ms: int, max_ms: int, jitter: float = 0.0) -> int:
    """Doubling delay after `failed` failures (1 or more), never above `max_ms`.

    `jitter` in [0, 1) is drawn by the caller: the delay lies between half and all of its value, so that many
    who failed together do not come back together.
    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (equal jitter).
    """
    doublings = min(max(failed, 1) - 1, 30)  # past 2**30 the limit has long been met
    delay_ms = min(base_ms << doublings, max_ms)
    return delay_ms - int(delay_ms * jitter / 2)
