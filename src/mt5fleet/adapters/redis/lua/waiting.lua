#!lua flags=allow-oom
-- The oldest entries that are not settled; renews the intake lease.
-- KEYS: base = prefix{log}; <base>:lease hash, <base>:entries stream, as in post
-- ARGV: token, limit
-- Answer: per entry its id, its fields, and whether its refusal is stored already
local lease, now = KEYS[1] .. ':lease', now_us()
local lost = lost_lease(lease, ARGV[1], now)
if lost then return lost end
renew(lease, now)
local answer = {}
for at, entry in ipairs(redis.call('XRANGE', KEYS[1] .. ':entries', '-', '+', 'COUNT', ARGV[2])) do
  local buried = 0
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'id' then
      local seq = redis.call('HGET', KEYS[1] .. ':dead:' .. entry[2][i + 1], 'seq')
      buried = seq == string.match(entry[1], '^%d+') and 1 or 0
    end
  end
  answer[at] = {entry[1], entry[2], buried}
end
return answer
