#!lua flags=allow-oom
-- Gives a halt of exactly this number one above another; the halt goes on, unconfirmed.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, the number it must have, the number to be above
-- Answer: guard fields
local base, guard, now = KEYS[1], KEYS[1] .. ':guard', now_us()
if is_halted(base) and num(redis.call('HGET', guard, 'halted_seq')) == num(ARGV[2]) then
  local sequence = whole(math.max(num(ARGV[2]) + 1, num(ARGV[3]) + 1, now))
  redis.call('HSET', guard, 'halted_seq', sequence, 'confirmed', 0)
  own_event(base, now, 'halt_renumbered', ARGV[1], nil, nil, {before = ARGV[2], sequence = sequence})
end
return guard_of(base)
