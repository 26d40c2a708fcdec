#!lua flags=allow-oom
-- Counts a failed attempt and sets when the alert is due again.
-- KEYS: base = prefix{fleet}, prefix{log} or prefix{acc:<account>}; outbox as in core
-- ARGV: id, retry after ms
local alert = KEYS[1] .. ':alert:' .. ARGV[1]
if redis.call('EXISTS', alert) == 0 then return 0 end
redis.call('HINCRBY', alert, 'attempts', 1)
redis.call('ZADD', KEYS[1] .. ':outbox', whole(now_us() + num(ARGV[2]) * 1000), ARGV[1])
return 1
