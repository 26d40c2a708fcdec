#!lua flags=no-writes
-- Alerts of one outbox that are due.
-- KEYS: base = prefix{fleet}, prefix{log} or prefix{acc:<account>}; outbox as in core
-- ARGV: limit
-- Answer: per alert its id and the fields of its hash
local found = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[1] .. ':outbox', '-inf', whole(now_us()), 'LIMIT', 0, ARGV[1])
for at, id in ipairs(due) do found[at] = {id, redis.call('HGETALL', KEYS[1] .. ':alert:' .. id)} end
return found
