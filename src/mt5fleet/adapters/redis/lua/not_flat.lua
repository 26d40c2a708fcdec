#!lua flags=allow-oom
-- Records that a latched account shows positions or orders again: the flatten is due.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, alert, rank, subject
local base, guard, now = KEYS[1], KEYS[1] .. ':guard', now_us()
if not is_halted(base) or redis.call('HGET', guard, 'flatten_due') == '1' then return 0 end
redis.call('HSET', guard, 'flatten_due', 1, 'flat_at', 0)
own_event(base, now, 'not_flat', ARGV[1], nil, nil, {rounds = redis.call('HGET', guard, 'rounds') or '0'})
tell(base, now, 2)
return 1
