#!lua flags=allow-oom
-- Stores a heartbeat and forgets those that have run out.
-- KEYS: base = prefix{fleet}
--   <base>:beats  hash  part -> until, at and progress (JSON), apart by blanks
-- ARGV: part, progress, keep for ms
local beats, now = KEYS[1] .. ':beats', now_us()
redis.call('HSET', beats, ARGV[1], whole(now + num(ARGV[3]) * 1000) .. ' ' .. whole(now) .. ' ' .. ARGV[2])
local all = redis.call('HGETALL', beats)
for at = 1, #all, 2 do
  if num(string.match(all[at + 1], '^%d+')) <= now then redis.call('HDEL', beats, all[at]) end
end
return 1
