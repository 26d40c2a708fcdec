#!lua flags=allow-oom
-- Gives the intake lease back unless entries wait.
-- KEYS: base = prefix{log}; <base>:lease hash, <base>:entries stream, as in post
-- ARGV: token
local lease = KEYS[1] .. ':lease'
local lost = lost_token(lease, ARGV[1])
if lost then return lost end
if redis.call('XLEN', KEYS[1] .. ':entries') > 0 and num(redis.call('HGET', lease, 'deadline')) > 0 then return 0 end
redis.call('HSET', lease, 'owner', '', 'deadline', 0)
return 1
