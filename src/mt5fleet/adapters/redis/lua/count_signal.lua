#!lua flags=allow-oom
-- Counts one signal in the present minute.
-- KEYS: base = prefix{fleet}
--   <base>:rate:<producer>:<minute>  string  signals so far; runs out after two minutes
-- ARGV: producer
-- Answer: signals in this minute
local rate = KEYS[1] .. ':rate:' .. ARGV[1] .. ':' .. whole(math.floor(now_us() / 60000000))
local count = redis.call('INCR', rate)
redis.call('PEXPIRE', rate, 120000)
return count
