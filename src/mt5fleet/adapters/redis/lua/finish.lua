#!lua flags=allow-oom
-- Records what became of a command, all or nothing: state by the table, report, events, alert, inbox, lease.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: token, key, state, outcome, sentence, reason, retry after ms, alert, rank, subject, then pairs of event and signal id
-- Answer: the state before, signal id
local base, lease, now = KEYS[1], KEYS[1] .. ':lease', now_us()
local key, state, order = ARGV[2], ARGV[3], order_key(KEYS[1], ARGV[2])
local lost = lost_token(lease, ARGV[1])
if lost then return lost end
local kept = redis.call('HMGET', order, 'state', 'outcome', 'lane', 'arrival', 'signal')
local from = kept[1]
if not from then return fail('TRANSITION', 'no order ' .. key) end
if from == state and kept[2] == ARGV[4] then return {from, kept[5]} end
if state == 'SUBMITTING' then return fail('TRANSITION', 'only a begin moves an order to SUBMITTING') end
if not is_in(MOVES, from .. '>' .. state) then
  return fail('TRANSITION', 'an order cannot move from ' .. from .. ' to ' .. state)
end

local function place(set, belongs)
  if belongs then redis.call('ZADD', base .. set, kept[4], key) else redis.call('ZREM', base .. set, key) end
end

redis.call('HSET', order, 'state', state, 'outcome', ARGV[4], 'sentence', ARGV[5], 'reason', ARGV[6], 'takeovers', 0,
  'not_before', state == 'NOT_SENT' and whole(now + num(ARGV[7]) * 1000) or 0)
place(':' .. kept[3], is_in(UNSENT, state))
place(':doubt', state == 'IN_DOUBT')
place(':resting', state == 'ACCEPTED' or state == 'PARTIALLY_FILLED')
redis.call('ZREM', base .. ':sent', key)
if is_in(FINAL, state) then
  redis.call('HSET', order, 'finished', whole(now))
  redis.call('HDEL', order, 'envelope')
  redis.call('PEXPIRE', order, ORDER_KEEP_MS)
end
if redis.call('HGET', lease, 'hand') == key then redis.call('HSET', lease, 'hand', '') end
renew(lease, now)
tell(base, now, 8)
return {from, kept[5]}
