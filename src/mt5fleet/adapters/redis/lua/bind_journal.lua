#!lua flags=allow-oom
-- Binds an account to a journal at first sight.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, journal id
-- Answer: the journal it is bound to
local guard = KEYS[1] .. ':guard'
if redis.call('HSETNX', guard, 'journal', ARGV[2]) == 1 then
  own_event(KEYS[1], now_us(), 'account_changed', ARGV[1], nil, nil, {journal_id = ARGV[2]})
end
return redis.call('HGET', guard, 'journal')
