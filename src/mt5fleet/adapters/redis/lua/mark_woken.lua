#!lua flags=allow-oom
-- Claims the wake flag of an account.
-- KEYS: base = prefix{acc:<account>}; <base>:lease hash, as in core
-- ARGV: for how many ms
-- Answer: 1 when nobody is coming
return claim_wake(KEYS[1] .. ':lease', now_us(), num(ARGV[1]))
