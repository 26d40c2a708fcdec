#!lua flags=allow-oom
-- Binds an account to a journal at first sight, and keeps the highest number of writes that the bound one showed.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, journal id, its writes
-- Answer: the journal it is bound to
local guard = KEYS[1] .. ':guard'
if redis.call('HSETNX', guard, 'journal', ARGV[2]) == 1 then
  own_event(KEYS[1], now_us(), 'account_changed', ARGV[1], nil, nil, {journal_id = ARGV[2]})
end
local kept = redis.call('HMGET', guard, 'journal', 'journal_seq')
if kept[1] == ARGV[2] and num(ARGV[3]) > num(kept[2]) then redis.call('HSET', guard, 'journal_seq', ARGV[3]) end
return kept[1]
