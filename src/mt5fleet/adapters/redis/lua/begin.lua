#!lua flags=allow-oom
-- Writes ahead: RECEIVED or NOT_SENT becomes SUBMITTING with token, attempt and time; or says why not.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: account, token, key, adds risk, goal or nothing, full, deadline in ms, most attempts
-- Answer: a refusal; or attempt, begun, not_after, goal, opening cancelled, opening known
local base, lease, now = KEYS[1], KEYS[1] .. ':lease', now_us()
local account, token, key, adds_risk = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local order = order_key(base, key)
local lost = lost_lease(lease, token, now)
if lost then return lost end
local kept = redis.call('HMGET', order, 'state', 'attempt', 'valid_until', 'verb', 'opening', 'signal', 'arrival', 'token')
local verb, opening_key = kept[4], kept[5]

local function begun()
  return redis.call('HMGET', order, 'attempt', 'begun', 'not_after', 'goal', 'opening_canceled', 'opening_known')
end

if kept[1] == 'SUBMITTING' and kept[8] == token then return begun() end
if not is_in(UNSENT, kept[1]) then return 'state' end
-- Not on arrival: after lost memory the broker is asked about an open before it is called withdrawn.
if verb == 'open' and redis.call('EXISTS', base .. ':tomb:' .. key) == 1 then return 'withdrawn' end
if adds_risk and num(kept[3]) <= now then return 'expired' end
if num(kept[2]) >= num(ARGV[8]) then return 'attempts' end
if adds_risk then
  if is_halted(base) then return 'halted' end
  if redis.call('HGET', base .. ':guard', 'reducing') == '1' then return 'reducing' end
  if redis.call('ZCARD', base .. ':doubt') > 0 then return 'doubt' end
end

local opening = opening_key and redis.call('HMGET', order_key(base, opening_key), 'state', 'lane', 'signal') or {}
local cancels = is_in(UNSENT, opening[1])
if is_in(UNSETTLED, opening[1]) then return 'opening_unsettled' end
if cancels and not (verb == 'cancel' or (verb == 'close' and ARGV[6] == '1')) then
  redis.call('HSET', order, 'waits_open', 1)
  return 'opening_unsettled'
end
if opening_key and not opening[1] and (verb == 'close' or verb == 'cancel') then
  redis.call('SET', base .. ':tomb:' .. opening_key, 1, 'PX', TOMBSTONE_KEEP_MS)
end
if cancels then
  redis.call('ZREM', base .. ':' .. opening[2], opening_key)
  cancel_order(base, opening_key, now, CANCELED_UNSENT)
  own_event(base, now, 'order_canceled', account, opening[3], opening_key, {by = key})
end

local not_after = now + num(ARGV[7]) * 1000
if adds_risk then not_after = math.min(not_after, num(kept[3])) end
local attempt = redis.call('HINCRBY', order, 'attempt', 1)
redis.call('HSET', order, 'state', 'SUBMITTING', 'token', token, 'begun', whole(now), 'not_after', whole(not_after),
  'opening_canceled', cancels and 1 or 0, 'opening_known', (opening_key and not opening[1]) and 0 or 1)
if ARGV[5] ~= '' then redis.call('HSETNX', order, 'goal', ARGV[5]) end
redis.call('ZADD', base .. ':sent', kept[7], key)
redis.call('HSET', lease, 'hand', key)
renew(lease, now, num(ARGV[7]) + LEASE_SLACK_MS)
own_event(base, now, 'order_begun', account, kept[6], key,
  {attempt = whole(attempt), token = token, deadline_ms = ARGV[7]})
return begun()
