#!lua flags=no-writes
-- Heartbeats that have not run out.
-- KEYS: base = prefix{fleet}; <base>:beats hash, as in beat
-- Answer: per part its name, moment and progress
local found, now = {}, now_us()
local all = redis.call('HGETALL', KEYS[1] .. ':beats')
for at = 1, #all, 2 do
  local till, moment, progress = string.match(all[at + 1], '^(%d+) (%d+) (.*)$')
  if num(till) > now then found[#found + 1] = {all[at], moment, progress} end
end
return found
