#!lua flags=no-writes
-- Waiting work of an account.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- Answer: per lane and for doubts their number and the arrival of the oldest (nothing when none), owned, flatten due
local base, answer = KEYS[1], {}
for _, set in ipairs({':urgent', ':normal', ':doubt'}) do
  local arrival = redis.call('ZRANGE', base .. set, 0, 0, 'WITHSCORES')[2]
  answer[#answer + 1] = redis.call('ZCARD', base .. set)
  answer[#answer + 1] = arrival and whole(num(arrival)) or false
end
local owned = num(redis.call('HGET', base .. ':lease', 'deadline')) > now_us()
local due = is_halted(base) and redis.call('HGET', base .. ':guard', 'flatten_due') == '1'
answer[#answer + 1] = owned and 1 or 0
answer[#answer + 1] = due and 1 or 0
return answer
