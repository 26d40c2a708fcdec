#!lua flags=allow-oom
-- Makes the next token larger than one that a bridge has seen.
-- KEYS: base = prefix{acc:<account>}; <base>:lease hash, as in core
-- ARGV: the token seen
local lease = KEYS[1] .. ':lease'
if num(ARGV[1]) > num(redis.call('HGET', lease, 'floor')) then redis.call('HSET', lease, 'floor', ARGV[1]) end
return 1
