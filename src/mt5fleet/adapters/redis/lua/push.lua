#!lua
-- Appends commands that are not there yet. Without allow-oom: what waits in the log waits there until there is room.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: account, intake token, then ten per command: key, seq, lane, verb, signal, opening, valid_until, part, command, envelope
-- Answer: wake, then one result per command
local FIELDS, FIRST = 10, 3
local base, lease, now = KEYS[1], KEYS[1] .. ':lease', now_us()
local kept = redis.call('HMGET', lease, 'intake_token', 'intake_seq', 'arrival')
if num(ARGV[2]) < num(kept[1]) then
  return fail('LEASE_LOST', 'a newer intake token than ' .. ARGV[2] .. ' has pushed to ' .. ARGV[1])
end
local newest, arrival, is_new = num(kept[2]), num(kept[3]), {}
for at = FIRST, #ARGV, FIELDS do
  local key = ARGV[at]
  if is_new[key] == nil then is_new[key] = redis.call('EXISTS', order_key(base, key)) == 0 end
  if is_new[key] then
    if num(ARGV[at + 1]) < newest then
      return fail('CONFLICT', 'sequence ' .. ARGV[at + 1] .. ' is older than the newest one on the inbox of ' .. ARGV[1])
    end
    newest = num(ARGV[at + 1])
  end
end

local function append(at)
  local key, lane, verb, signal = ARGV[at], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  arrival = math.max(arrival + 1, now)
  local order = order_key(base, key)
  redis.call('HSET', order, 'command', ARGV[at + 8], 'envelope', ARGV[at + 9], 'signal', signal, 'lane', lane,
    'verb', verb, 'valid_until', ARGV[at + 6], 'arrival', whole(arrival), 'state', 'RECEIVED', 'attempt', 0, 'takeovers', 0)
  if ARGV[at + 5] ~= '' then redis.call('HSET', order, 'opening', ARGV[at + 5]) end
  own_event(base, now, 'order_received', ARGV[1], signal, key, {seq = ARGV[at + 1], verb = verb, part = ARGV[at + 7]})
  redis.call('ZADD', base .. ':' .. lane, whole(arrival), key)
  return 'pushed'
end

local answer = {0}
for at = FIRST, #ARGV, FIELDS do
  local key, result = ARGV[at], 'exists'
  if is_new[key] then result, is_new[key] = append(at), false end
  answer[#answer + 1] = result
end
redis.call('HSET', lease, 'intake_token', ARGV[2], 'intake_seq', whole(newest), 'arrival', whole(arrival))
if redis.call('ZCARD', base .. ':urgent') + redis.call('ZCARD', base .. ':normal') > 0 then
  answer[1] = claim_wake(lease, now, WAKE_MS)
end
return answer
