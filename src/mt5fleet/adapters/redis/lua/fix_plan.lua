#!lua flags=allow-oom
-- Writes the volumes of a signal's parts once.
-- KEYS: base = prefix{acc:<account>}; <base>:lease hash, <base>:plan:<signal> string, as in inbox_core
-- ARGV: token, signal id, plan
-- Answer: the plan that stands
local lost = lost_token(KEYS[1] .. ':lease', ARGV[1])
if lost then return lost end
local plan = KEYS[1] .. ':plan:' .. ARGV[2]
redis.call('SET', plan, ARGV[3], 'NX', 'PX', RECORD_KEEP_MS)
return redis.call('GET', plan)
