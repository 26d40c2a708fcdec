#!lua
-- Writes a message once. Without allow-oom: a full store accepts nothing new.
-- KEYS: base = prefix{log}
--   <base>:id:<signal>  hash    hash of the body, seq; runs out after the longest accepted life of a signal
--   <base>:entries      stream  id <seq>-0: id, hash, at, env; entries leave when they are settled
--   <base>:lease        hash    as in core, and: seq (newest given out)
--   <base>:epoch        hash    number
--   <base>:full         string  set while the store's memory is past its limit
-- ARGV: signal id, body hash, envelope
-- Answer: result, seq, epoch (0: none was opened), wake
local base, lease = KEYS[1], KEYS[1] .. ':lease'
local now, id = now_us(), KEYS[1] .. ':id:' .. ARGV[1]
local kept, result = redis.call('HMGET', id, 'hash', 'seq'), 'exists'
local seq = kept[2]
if seq and kept[1] ~= ARGV[2] then result = 'conflict' end
if not seq then
  if redis.call('EXISTS', base .. ':full') == 1 then
    return fail('FULL', 'the memory is past its limit: nothing was written')
  end
  result, seq = 'posted', whole(math.max(num(redis.call('HGET', lease, 'seq')) + 1, now))
  redis.call('HSET', lease, 'seq', seq)
  redis.call('HSET', id, 'hash', ARGV[2], 'seq', seq)
  redis.call('PEXPIRE', id, ID_KEEP_MS)
  redis.call('XADD', base .. ':entries', seq .. '-0', 'id', ARGV[1], 'hash', ARGV[2], 'at', whole(now), 'env', ARGV[3])
end
local wake = 0
if redis.call('XLEN', base .. ':entries') > 0 then wake = claim_wake(lease, now, WAKE_MS) end
return {result, seq, num(redis.call('HGET', base .. ':epoch', 'number')), wake}
