#!lua flags=allow-oom
-- Takes a due alert for a while, so that no other worker sends it.
-- KEYS: base = prefix{fleet}, prefix{log} or prefix{acc:<account>}; outbox as in core
-- ARGV: id, for how many ms
-- Answer: 1 when it was due
local outbox, now = KEYS[1] .. ':outbox', now_us()
local due = redis.call('ZSCORE', outbox, ARGV[1])
if not due or num(due) > now then return 0 end
redis.call('ZADD', outbox, whole(now + num(ARGV[2]) * 1000), ARGV[1])
return 1
