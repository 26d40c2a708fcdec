#!lua flags=no-writes
-- How much waits for intake, since when, and whether a live owner exists.
-- KEYS: base = prefix{log}; <base>:lease hash, <base>:entries stream, as in post
-- Answer: entries, posting moment of the oldest (nothing when none), owned
local oldest = redis.call('XRANGE', KEYS[1] .. ':entries', '-', '+', 'COUNT', 1)[1]
local at, fields = false, oldest and oldest[2] or {}
for i = 1, #fields, 2 do if fields[i] == 'at' then at = fields[i + 1] end end
local owned = num(redis.call('HGET', KEYS[1] .. ':lease', 'deadline')) > now_us() and 1 or 0
return {redis.call('XLEN', KEYS[1] .. ':entries'), at, owned}
