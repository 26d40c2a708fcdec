#!lua flags=allow-oom
-- Records that the broker showed flat; the flatten is not due any more.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, <base>:lease hash, as in inbox_core
-- ARGV: account, token, alert, rank, subject
-- Answer: guard fields
local base, guard, now = KEYS[1], KEYS[1] .. ':guard', now_us()
local lost = lost_token(base .. ':lease', ARGV[2])
if lost then return lost end
if is_halted(base) and redis.call('HGET', guard, 'flatten_due') == '1' then
  redis.call('HSET', guard, 'flatten_due', 0, 'flat_at', whole(now))
  own_event(base, now, 'flat', ARGV[1], nil, nil, {rounds = redis.call('HGET', guard, 'rounds') or '0'})
  tell(base, now, 3)
end
return guard_of(base)
