#!lua flags=allow-oom
-- Gives the one intake lease.
-- KEYS: base = prefix{log}; <base>:lease hash, as in core
-- ARGV: owner, nonce of this call, ttl in ms
-- Answer: token, deadline; nothing when another lease lives
local token, deadline = grant(KEYS[1] .. ':lease', now_us(), ARGV[1], ARGV[2], num(ARGV[3]))
if not token then return nil end
return {token, deadline}
