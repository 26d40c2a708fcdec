#!lua flags=allow-oom
-- The next runnable command, taken in hand; renews the lease.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: token
-- Answer: the command; nothing when none can run now
local base, lease, now = KEYS[1], KEYS[1] .. ':lease', now_us()
local lost = lost_lease(lease, ARGV[1], now)
if lost then return lost end
renew(lease, now)
local key = runnable(base, now)
if not key then return nil end
redis.call('HSET', lease, 'hand', key)
return command_of(base, key)
