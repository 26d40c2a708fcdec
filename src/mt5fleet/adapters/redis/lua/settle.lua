#!lua flags=allow-oom
-- Takes every entry up to and including a sequence off the log.
-- KEYS: base = prefix{log}; <base>:lease hash, <base>:entries stream, as in post
-- ARGV: token, seq
local lost = lost_token(KEYS[1] .. ':lease', ARGV[1])
if lost then return lost end
return redis.call('XTRIM', KEYS[1] .. ':entries', 'MINID', '=', whole(num(ARGV[2]) + 1) .. '-0')
