#!lua flags=allow-oom
-- Counts a round of a flatten with its receipts.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, <base>:lease hash, as in inbox_core
-- ARGV: token, three empty texts (no alert), then pairs of event and signal id
-- Answer: rounds so far
local lost = lost_token(KEYS[1] .. ':lease', ARGV[1])
if lost then return lost end
tell(KEYS[1], now_us(), 2)
return redis.call('HINCRBY', KEYS[1] .. ':guard', 'rounds', 1)
