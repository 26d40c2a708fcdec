#!lua flags=allow-oom
-- The index of outboxes, and whether the asker is to rebuild it.
-- KEYS: base = prefix{fleet}
--   <base>:outboxes          set     as in note_outbox
--   <base>:outboxes:claimed  string  somebody rebuilds; runs out
-- Answer: claimed, then hash tags
local claimed = redis.call('SET', KEYS[1] .. ':outboxes:claimed', 1, 'NX', 'PX', OUTBOX_REBUILD_MS)
local answer = redis.call('SMEMBERS', KEYS[1] .. ':outboxes')
table.insert(answer, 1, claimed and 1 or 0)
return answer
