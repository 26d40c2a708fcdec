#!lua flags=allow-oom
-- Writes events, and an alert if there is one, that belong to no other change.
-- KEYS: base = prefix{fleet} or prefix{acc:<account>}; stream and outbox as in core
-- ARGV: alert, rank, subject, then pairs of event and signal id
tell(KEYS[1], now_us(), 1)
return 1
