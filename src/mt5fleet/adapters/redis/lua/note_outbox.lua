#!lua flags=allow-oom
-- Names outboxes in the index.
-- KEYS: base = prefix{fleet}
--   <base>:outboxes  set  hash tags of outboxes that may hold alerts; a projection, rebuilt by whoever claims it
-- ARGV: hash tags
for at = 1, #ARGV do redis.call('SADD', KEYS[1] .. ':outboxes', ARGV[at]) end
return #ARGV
