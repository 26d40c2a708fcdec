#!lua flags=no-writes
-- Waiting work of an account.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- Answer: urgent, normal, in doubt, arrival of the oldest (nothing when none), owned, flatten due
local base, oldest = KEYS[1], false
for _, lane in ipairs({':urgent', ':normal'}) do
  local arrival = redis.call('ZRANGE', base .. lane, 0, 0, 'WITHSCORES')[2]
  if arrival and (not oldest or num(arrival) < num(oldest)) then oldest = arrival end
end
local owned = num(redis.call('HGET', base .. ':lease', 'deadline')) > now_us()
local due = is_halted(base) and redis.call('HGET', base .. ':guard', 'flatten_due') == '1'
return {redis.call('ZCARD', base .. ':urgent'), redis.call('ZCARD', base .. ':normal'), redis.call('ZCARD', base .. ':doubt'),
  oldest and whole(num(oldest)), owned and 1 or 0, due and 1 or 0}
