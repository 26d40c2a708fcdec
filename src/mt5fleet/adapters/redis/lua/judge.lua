#!lua flags=allow-oom
-- Writes guard memory and reading when they are newer, and raises the latch when told to; nothing lowers it.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: whether to latch, reason, number the latch has at least, memory or nothing, its sequence, reading,
--       alert, rank, subject, then pairs of event and signal id
-- Answer: guard fields
local base, guard, now, halts = KEYS[1], KEYS[1] .. ':guard', now_us(), ARGV[1] == '1'
local kept = redis.call('HMGET', guard, 'halted_seq', 'resumed_seq', 'memory_seq')
local newer = ARGV[4] ~= '' and (not kept[3] or num(ARGV[5]) > num(kept[3]))
if newer then redis.call('HSET', guard, 'memory', ARGV[4], 'memory_seq', ARGV[5], 'reading', ARGV[6]) end
local latches = halts and num(kept[1]) <= num(kept[2])
if latches then
  -- The number grows also across a forgotten one: the bridge may remember it.
  local sequence = whole(math.max(num(kept[1]) + 1, now, num(ARGV[3])))
  redis.call('HSET', guard, 'halted_seq', sequence, 'reason', ARGV[2], 'since', whole(now),
    'confirmed', 0, 'flatten_due', 1, 'flat_at', 0, 'rounds', 0)
end
-- A breach repeats with every reading; only the one that latched is told.
if latches or (newer and not halts) then tell(base, now, 7) end
return guard_of(base)
