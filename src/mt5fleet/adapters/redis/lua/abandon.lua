#!lua flags=allow-oom
-- Takes the command out of the hand, so that no takeover is counted on it.
-- KEYS: base = prefix{acc:<account>}; <base>:lease hash, as in inbox_core
-- ARGV: token
local lost = lost_token(KEYS[1] .. ':lease', ARGV[1])
if lost then return lost end
return redis.call('HSET', KEYS[1] .. ':lease', 'hand', '')
