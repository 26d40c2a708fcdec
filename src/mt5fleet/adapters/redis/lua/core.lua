-- Stands before every script, after the constants of the settings and of the state table.
-- Key map: it touches only keys that it is given:
--   <lease>            hash    owner, token (newest given out), floor (highest known), deadline, ttl, wake, nonce
--   <base>:events      stream  sig = signal id, e = event (JSON); ids are microseconds
--   <base>:outbox      zset    alert id -> moment it is due
--   <base>:outbox:subjects  hash  what an alert is about -> id of the newest one
--   <base>:outbox:last      string  newest alert id
--   <base>:alert:<id>  hash    alert (JSON), rank, dedupe, at, count, attempts, to:<channel> per delivery
-- Moments are microseconds, exact in doubles; %.0f keeps them whole.

local function num(text) return tonumber(text or 0) or 0 end

local function whole(number) return string.format('%.0f', number) end

local function fail(kind, text) return redis.error_reply('MT5FLEET ' .. kind .. ' ' .. text) end

local function is_in(list, name) return name and string.find(list, '|' .. name .. '|', 1, true) ~= nil end

-- Ids may not go back, even if the clock does.
local function write_event(stream, now, json, signal)
  local done = redis.pcall('XADD', stream, 'MAXLEN', '~', EVENTS_MAX, whole(now) .. '-*', 'sig', signal, 'e', json)
  if type(done) == 'table' and done.err then
    local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1][1]
    local at = string.match(last, '^%d+')
    redis.call('XADD', stream, 'MAXLEN', '~', EVENTS_MAX, at .. '-*', 'sig', signal, 'e', json)
  end
end

local function own_event(base, now, kind, account, signal, key, numbers)
  local event = {type = kind, account = account, signal_id = signal or nil, key = key, numbers = numbers}
  write_event(base .. ':events', now, cjson.encode(event), signal or '')
end

local function append_alert(base, now, json, rank, dedupe, count)
  local id = whole(math.max(num(redis.call('GET', base .. ':outbox:last')) + 1, now))
  redis.call('SET', base .. ':outbox:last', id)
  redis.call('HSET', base .. ':alert:' .. id,
    'alert', json, 'rank', rank, 'dedupe', dedupe, 'at', whole(now), 'count', count, 'attempts', 0)
  redis.call('ZADD', base .. ':outbox', whole(now), id)
  redis.call('HSET', base .. ':outbox:subjects', dedupe, id)
end

local function is_told(alert)
  for _, field in ipairs(redis.call('HKEYS', alert)) do
    if string.sub(field, 1, 3) == 'to:' then return true end
  end
  return false
end

-- Equal alerts that no channel has yet become one with a count; the graver text stands, else the newer.
local function write_alert(base, now, json, rank, dedupe)
  if json == '' then return end
  local id = redis.call('HGET', base .. ':outbox:subjects', dedupe)
  local alert = base .. ':alert:' .. (id or '')
  local kept_rank = id and redis.call('HGET', alert, 'rank')
  if not kept_rank or is_told(alert) then return append_alert(base, now, json, rank, dedupe, 1) end
  redis.call('HINCRBY', alert, 'count', 1)
  if num(rank) >= num(kept_rank) then redis.call('HSET', alert, 'alert', json, 'rank', rank) end
end

-- ARGV from `first`: alert, rank, subject, then pairs of event and signal id.
local function tell(base, now, first)
  for at = first + 3, #ARGV - 1, 2 do write_event(base .. ':events', now, ARGV[at], ARGV[at + 1]) end
  write_alert(base, now, ARGV[first], ARGV[first + 1], ARGV[first + 2])
end

local function claim_wake(lease, now, for_ms)
  local kept = redis.call('HMGET', lease, 'deadline', 'wake')
  if num(kept[1]) > now or num(kept[2]) > now then return 0 end
  redis.call('HSET', lease, 'wake', whole(now + for_ms * 1000))
  return 1
end

-- Gives token, deadline, and whether this is the first time it is asked; nothing when another lease lives.
local function grant(lease, now, owner, nonce, ttl_ms)
  local kept = redis.call('HMGET', lease, 'token', 'floor', 'deadline', 'nonce')
  if num(kept[3]) > now then
    if kept[4] == nonce then return kept[1], kept[3], false end
    return nil
  end
  local token, deadline = whole(math.max(num(kept[2]) + 1, now)), whole(now + ttl_ms * 1000)
  redis.call('HSET', lease, 'owner', owner, 'nonce', nonce, 'token', token, 'floor', token,
    'deadline', deadline, 'ttl', ttl_ms, 'wake', 0)
  return token, deadline, true
end

-- Extends a lease that was not given back; never shortens it.
local function renew(lease, now, for_ms)
  local kept = redis.call('HMGET', lease, 'deadline', 'ttl')
  if num(kept[1]) == 0 then return end
  local wanted = now + (for_ms or num(kept[2])) * 1000
  if wanted > num(kept[1]) then redis.call('HSET', lease, 'deadline', whole(wanted)) end
end

local function lost_token(lease, token)
  if redis.call('HGET', lease, 'token') == token then return nil end
  return fail('LEASE_LOST', 'token ' .. token .. ' is not the newest any more')
end

local function lost_lease(lease, token, now)
  local kept = redis.call('HMGET', lease, 'token', 'deadline')
  if kept[1] ~= token then return fail('LEASE_LOST', 'token ' .. token .. ' is not the newest any more') end
  if num(kept[2]) <= now then return fail('LEASE_LOST', 'the deadline of token ' .. token .. ' has passed') end
  return nil
end
