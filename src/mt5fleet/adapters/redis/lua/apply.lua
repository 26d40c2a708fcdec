#!lua
-- Replaces accounts and groups when nobody changed them since they were read.
-- KEYS: base = prefix{fleet}
--   <base>:accounts  hash  name -> account (JSON)
--   <base>:groups    hash  name -> kept versions (JSON)
--   <base>:group_newest  hash  name -> highest version number ever given
--   <base>:revision  string
-- ARGV: revision read, number of accounts, name and account each, then name, versions and newest number of each group
-- Answer: 1, or 0 when the revision is another
local base, now = KEYS[1], now_us()
local revision = num(redis.call('GET', base .. ':revision'))
if revision ~= num(ARGV[1]) then return 0 end
redis.call('DEL', base .. ':accounts', base .. ':groups')
local groups = 3 + 2 * num(ARGV[2])
for at = 3, groups - 1, 2 do redis.call('HSET', base .. ':accounts', ARGV[at], ARGV[at + 1]) end
for at = groups, #ARGV, 3 do
  redis.call('HSET', base .. ':groups', ARGV[at], ARGV[at + 1])
  redis.call('HSET', base .. ':group_newest', ARGV[at], ARGV[at + 2])
end
redis.call('SET', base .. ':revision', whole(math.max(revision + 1, now)))
return 1
