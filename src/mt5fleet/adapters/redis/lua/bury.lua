#!lua flags=allow-oom
-- Stores a refusal, once per signal and sequence, with its alert.
-- KEYS: base = prefix{log}
--   <base>:lease          hash    as in core
--   <base>:dead           list    letters (JSON), newest first
--   <base>:dead:<signal>  hash    seq, letter (JSON); runs out
-- ARGV: token, signal id, seq, letter, alert, rank, subject
local base, now = KEYS[1], now_us()
local lost = lost_token(base .. ':lease', ARGV[1])
if lost then return lost end
local dead = base .. ':dead:' .. ARGV[2]
if redis.call('HGET', dead, 'seq') == ARGV[3] then return 0 end
redis.call('HSET', dead, 'seq', ARGV[3], 'letter', ARGV[4])
redis.call('PEXPIRE', dead, RECORD_KEEP_MS)
redis.call('LPUSH', base .. ':dead', ARGV[4])
redis.call('LTRIM', base .. ':dead', 0, DEAD_LETTERS_MAX - 1)
tell(base, now, 5)
return 1
