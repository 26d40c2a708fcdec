-- Stands before the scripts of the inbox.
-- Key map (base = prefix{acc:<account>}):
--   <base>:lease       hash    as in core, and: hand (command in hand), intake_token, intake_seq, arrival (newest)
--   <base>:urgent, :normal     zset  order key -> arrival; the two lanes of the inbox
--   <base>:sent, :doubt, :resting  zset  order key -> arrival; SUBMITTING, IN_DOUBT, working at the broker
--   <base>:order:<key> hash    command (JSON without envelope), envelope, signal, lane, verb, opening, valid_until, arrival,
--                              state, attempt, takeovers, goal, begun, token, not_before, not_after, waits_open,
--                              opening_known, opening_canceled, reason, sentence, outcome (JSON), finished
--   <base>:tomb:<key>  string  an opening that may not begin when it comes; runs out
--   <base>:plan:<signal>  string  volumes of a signal's parts; runs out
--   <base>:guard       hash    halted_seq, resumed_seq, reducing, reason, since, confirmed, flatten_due, flat_at, rounds,
--                              memory (JSON), memory_seq, reading (JSON), journal, journal_seq (its writes),
--                              journal_older (shown as an older copy)

local UNSENT, UNSETTLED = '|RECEIVED|NOT_SENT|', '|SUBMITTING|IN_DOUBT|'

local function order_key(base, key) return base .. ':order:' .. key end

local function command_of(base, key)
  return redis.call('HMGET', order_key(base, key),
    'command', 'envelope', 'state', 'attempt', 'takeovers', 'begun', 'goal')
end

local function commands_of(base, set, count)
  local found = {}
  for at, key in ipairs(redis.call('ZRANGE', set, 0, count - 1)) do found[at] = command_of(base, key) end
  return found
end

local function guard_of(base)
  return redis.call('HMGET', base .. ':guard', 'halted_seq', 'resumed_seq', 'reducing', 'reason', 'since',
    'confirmed', 'flatten_due', 'flat_at', 'rounds', 'memory', 'journal', 'journal_seq', 'journal_older')
end

local function is_halted(base)
  local kept = redis.call('HMGET', base .. ':guard', 'halted_seq', 'resumed_seq')
  return num(kept[1]) > num(kept[2])
end

local function cancel_order(base, key, now, sentence)
  redis.call('HSET', order_key(base, key), 'state', 'CANCELED', 'sentence', sentence, 'finished', whole(now))
  redis.call('HDEL', order_key(base, key), 'envelope')
  redis.call('PEXPIRE', order_key(base, key), ORDER_KEEP_MS)
end

-- A command whose opening is on its way waits for it; partial closes and modifies wait for an unsent one, too.
local function is_ready(base, key, now)
  local order = redis.call('HMGET', order_key(base, key), 'state', 'not_before', 'opening', 'waits_open')
  if not is_in(UNSENT, order[1]) or num(order[2]) > now then return false end
  local opening = order[3] and redis.call('HGET', order_key(base, order[3]), 'state')
  if not opening then return true end
  return not is_in(UNSETTLED, opening) and not (order[4] == '1' and is_in(UNSENT, opening))
end

-- Urgent commands overtake each other when one cannot run; the normal lane keeps its order, so only its head counts.
local function runnable(base, now)
  for _, key in ipairs(redis.call('ZRANGE', base .. ':urgent', 0, URGENT_SCAN_MAX - 1)) do
    if is_ready(base, key, now) then return key end
  end
  local head = redis.call('ZRANGE', base .. ':normal', 0, 0)[1]
  if not head or not is_ready(base, head, now) then return nil end
  local doubts = redis.call('ZCARD', base .. ':doubt')
  if doubts > 0 and redis.call('HGET', order_key(base, head), 'verb') == 'open' then return nil end
  return head
end
