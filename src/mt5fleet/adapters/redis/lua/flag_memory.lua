#!lua flags=allow-oom
-- Says whether new signals are refused for want of memory.
-- KEYS: base = prefix{log}; <base>:full string, as in post
-- ARGV: 1 or 0
if ARGV[1] == '0' then return redis.call('DEL', KEYS[1] .. ':full') end
redis.call('SET', KEYS[1] .. ':full', 1, 'PX', MEMORY_FLAG_MS)
return 1
