#!lua flags=no-writes
-- Events of a stream: the newest ones, or those of one signal from a moment on.
-- KEYS: base = prefix{fleet} or prefix{acc:<account>}; stream as in core
-- ARGV: most events, signal id or nothing, first id
-- Answer: id and event (JSON), oldest first
local PAGE = 500
local stream, found, limit = KEYS[1] .. ':events', {}, num(ARGV[1])
if ARGV[2] == '' then
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', limit)
  for at = #newest, 1, -1 do found[#found + 1] = {newest[at][1], newest[at][2][4]} end
  return found
end
local from = ARGV[3]
repeat
  local page = redis.call('XRANGE', stream, from, '+', 'COUNT', PAGE)
  for _, entry in ipairs(page) do
    if entry[2][2] == ARGV[2] and #found < limit then found[#found + 1] = {entry[1], entry[2][4]} end
    from = '(' .. entry[1]
  end
until #page < PAGE or #found >= limit
return found
