#!lua flags=allow-oom
-- The oldest entries that are not settled; renews the intake lease.
-- KEYS: base = prefix{log}; <base>:lease hash, <base>:entries stream, as in post
-- ARGV: token, limit
-- Answer: entries as XRANGE gives them
local lease, now = KEYS[1] .. ':lease', now_us()
local lost = lost_lease(lease, ARGV[1], now)
if lost then return lost end
renew(lease, now)
return redis.call('XRANGE', KEYS[1] .. ':entries', '-', '+', 'COUNT', ARGV[2])
