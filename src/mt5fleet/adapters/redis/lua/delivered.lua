#!lua flags=allow-oom
-- Records one channel's delivery; the alert leaves when every channel has it.
-- KEYS: base = prefix{fleet}, prefix{log} or prefix{acc:<account>}; outbox as in core
-- ARGV: id, count that was told, channel, then all channels
local base, now, id = KEYS[1], now_us(), ARGV[1]
local alert = base .. ':alert:' .. id
local kept = redis.call('HMGET', alert, 'alert', 'rank', 'dedupe', 'count')
if not kept[1] then return 0 end
-- What was merged after the delivery began becomes an alert of its own, so that it is told, too.
if num(kept[4]) > num(ARGV[2]) and not is_told(alert) then
  append_alert(base, now, kept[1], kept[2], kept[3], num(kept[4]) - num(ARGV[2]))
  redis.call('HSET', alert, 'count', ARGV[2])
end
redis.call('HSET', alert, 'to:' .. ARGV[3], 1)
for at = 4, #ARGV do
  if redis.call('HEXISTS', alert, 'to:' .. ARGV[at]) == 0 then return 0 end
end
redis.call('DEL', alert)
redis.call('ZREM', base .. ':outbox', id)
local subjects = base .. ':outbox:subjects'
if redis.call('HGET', subjects, kept[3]) == id then redis.call('HDEL', subjects, kept[3]) end
return 1
