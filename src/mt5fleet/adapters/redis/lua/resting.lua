#!lua flags=no-writes
-- Orders that work at the broker, oldest first.
-- KEYS: base = prefix{acc:<account>}, as in inbox_core
-- Answer: commands
return commands_of(KEYS[1], KEYS[1] .. ':resting', RESTING_MAX)
