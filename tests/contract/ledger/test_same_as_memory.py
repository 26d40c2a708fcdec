"""The ledger in memory against the real scripts: the same operations, the same answers, the same state."""

import pytest
import redis

from mt5fleet.adapters.redis.scripts import Script
from mt5fleet.adapters.redis.settings import LedgerSettings
from tests.contract.ledger.rigs import MemoryRig, RedisRig
from tests.contract.ledger.sequences import STEPS, Differs, Sequence

BATCH = 20
BATCHES = 16  # 320 sequences
PLANTED = {
    "a doubt blocks no opens": ("begin", "redis.call('ZCARD', base .. ':doubt') > 0", "false"),
    "a past deadline may begin": ("begin", "local lost = lost_lease(lease, token, now)", "local lost = nil"),
    "a lost token may finish": ("finish", "if lost then return lost end", ""),
    "a takeover is not counted": ("acquire", "'takeovers', 1", "'takeovers', 0"),
    "an old intake may push": ("push", "num(ARGV[2]) < num(kept[1])", "false"),
    "any halt is renumbered": (
        "renumber_halt",
        "num(redis.call('HGET', guard, 'halted_seq')) == num(ARGV[2])",
        "true",
    ),
    "a copied latch gets a number of its own": ("judge", ", num(ARGV[3])))", "))"),
    "another journal's writes are kept": ("bind_journal", "kept[1] == ARGV[2] and ", ""),
    "a repeated finish tells again": ("finish", "from == state and kept[2] == ARGV[4]", "false"),
}


def _sequence(seed: int, client: redis.Redis) -> Sequence:
    return Sequence(seed, MemoryRig(), RedisRig(client, LedgerSettings()))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_memory_and_scripts_answer_alike(client: redis.Redis, batch: int) -> None:
    answered = 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        sequence = _sequence(seed, client)
        try:
            sequence.run()
        except Differs as difference:
            pytest.fail(f"seed {seed}: {difference}", pytrace=False)
        answered += sequence.answered

    assert answered > BATCH * STEPS / 2  # most operations were carried out, not refused


@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bug_is_found(client: redis.Redis, bug: str) -> None:
    name, sound, broken = PLANTED[bug]
    for seed in range(60):
        sequence = _sequence(seed, client)
        rig = sequence.rigs[1]
        assert isinstance(rig, RedisRig)
        scripts = rig.ledger._store._scripts
        text = scripts[name].text
        assert sound in text
        # A hash the server does not know: the changed text is sent instead.
        scripts[name] = Script(text=text.replace(sound, broken), sha="0" * 40)
        try:
            sequence.run()
        except Differs:
            return
    pytest.fail("60 sequences did not notice it")
