#!lua flags=allow-oom
-- Writes guard memory and reading when they are newer, and raises the latch when a reason is given; nothing lowers it.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: reason or nothing, number the latch has at least, memory or nothing, its sequence, reading, alert, rank, subject,
--       then pairs of event and signal id
-- Answer: guard fields
local base, guard, now = KEYS[1], KEYS[1] .. ':guard', now_us()
local kept = redis.call('HMGET', guard, 'halted_seq', 'resumed_seq', 'memory_seq')
local newer = ARGV[3] ~= '' and (not kept[3] or num(ARGV[4]) > num(kept[3]))
if newer then redis.call('HSET', guard, 'memory', ARGV[3], 'memory_seq', ARGV[4], 'reading', ARGV[5]) end
local latches = ARGV[1] ~= '' and num(kept[1]) <= num(kept[2])
if latches then
  -- The number grows also across a forgotten one: the bridge may remember it.
  local sequence = whole(math.max(num(kept[1]) + 1, now, num(ARGV[2])))
  redis.call('HSET', guard, 'halted_seq', sequence, 'reason', ARGV[1], 'since', whole(now),
    'confirmed', 0, 'flatten_due', 1, 'flat_at', 0, 'rounds', 0)
end
-- A breach repeats with every reading; only the one that latched is told.
if latches or (newer and ARGV[1] == '') then tell(base, now, 6) end
return guard_of(base)
