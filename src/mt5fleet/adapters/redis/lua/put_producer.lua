#!lua
-- Stores a producer, replacing the one of the same name.
-- KEYS: base = prefix{fleet}
--   <base>:producers  hash  name -> producer (JSON)
--   <base>:revision   string
-- ARGV: name, producer
local base = KEYS[1]
if redis.call('HGET', base .. ':producers', ARGV[1]) == ARGV[2] then return 0 end
redis.call('HSET', base .. ':producers', ARGV[1], ARGV[2])
redis.call('SET', base .. ':revision', whole(math.max(num(redis.call('GET', base .. ':revision')) + 1, now_us())))
return 1
