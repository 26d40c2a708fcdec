#!lua flags=allow-oom
-- Records once that the bound journal was shown as an older copy.
-- KEYS: base = prefix{acc:<account>}; <base>:guard hash, as in inbox_core
-- ARGV: account, journal id
local guard = KEYS[1] .. ':guard'
local kept = redis.call('HMGET', guard, 'journal', 'journal_older')
if kept[1] ~= ARGV[2] or kept[2] == '1' then return 0 end
redis.call('HSET', guard, 'journal_older', 1)
own_event(KEYS[1], now_us(), 'account_changed', ARGV[1], nil, nil, {journal_id = ARGV[2], journal_older = 'yes'})
return 1
