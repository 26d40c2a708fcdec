#!lua flags=allow-oom
-- The epoch that stands; opens the next one when there is none or the server's run id is another.
-- KEYS: base = prefix{log}
--   <base>:epoch  hash  number, started_at, run_id
-- ARGV: run id of the server
-- Answer: number, started_at, run_id
local epoch, now = KEYS[1] .. ':epoch', now_us()
local kept = redis.call('HMGET', epoch, 'number', 'started_at', 'run_id')
if kept[3] == ARGV[1] then return kept end
-- Microseconds since 2020: the number grows also when the last one was forgotten.
local number = math.max(num(kept[1]) + 1, now - EPOCH_ZERO_US)
redis.call('HSET', epoch, 'number', whole(number), 'started_at', whole(now), 'run_id', ARGV[1])
return {whole(number), whole(now), ARGV[1]}
