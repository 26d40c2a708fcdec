#!lua flags=allow-oom
-- Gives a lease back; without force only when nothing can run now. What still waits is seen by the backlog.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: token, force
local base, lease = KEYS[1], KEYS[1] .. ':lease'
local lost = lost_token(lease, ARGV[1])
if lost then return lost end
if num(redis.call('HGET', lease, 'deadline')) == 0 then return 1 end
if ARGV[2] == '0' and runnable(base, now_us()) then return 0 end
redis.call('HSET', lease, 'owner', '', 'deadline', 0, 'hand', '')
return 1
