#!lua flags=allow-oom
-- Records once that the bridge refuses opens for this latch.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, sequence, alert, rank, subject
local base, guard, now = KEYS[1], KEYS[1] .. ':guard', now_us()
local kept = redis.call('HMGET', guard, 'halted_seq', 'confirmed')
if not is_halted(base) or kept[2] == '1' or num(ARGV[2]) < num(kept[1]) then return 0 end
redis.call('HSET', guard, 'confirmed', 1)
own_event(base, now, 'halt_confirmed', ARGV[1], nil, nil, {sequence = ARGV[2]})
tell(base, now, 3)
return 1
