#!lua flags=allow-oom
-- Gives an account's lease, counts a takeover on the command left in hand, and tells what the former owner left.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- ARGV: owner, nonce of this call, ttl in ms
-- Answer: token, deadline, guard fields, then commands SUBMITTING or IN_DOUBT; nothing when another lease lives
local base, lease = KEYS[1], KEYS[1] .. ':lease'
local token, deadline, first = grant(lease, now_us(), ARGV[1], ARGV[2], num(ARGV[3]))
if not token then return nil end
local hand = redis.call('HGET', lease, 'hand')
if first and hand and hand ~= '' then
  local state = redis.call('HGET', order_key(base, hand), 'state')
  if state then redis.call('HINCRBY', order_key(base, hand), 'takeovers', 1) end
  -- An unsent command counts again only when the new owner takes it; a sent one is being settled from now on.
  if not state or is_in(UNSENT, state) then redis.call('HSET', lease, 'hand', '') end
end
local answer = {token, deadline, guard_of(base)}
for _, set in ipairs({':sent', ':doubt'}) do
  for _, command in ipairs(commands_of(base, base .. set, LEFT_MAX)) do answer[#answer + 1] = command end
end
return answer
