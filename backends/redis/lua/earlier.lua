-- What a session, stored or evicted, remembers of a client message id. ARGV: 3 client message id.
-- Replies {'ok', {seq, message, fingerprint} or false, the session that it continues or false}.
local state = redis.pcall('HMGET', KEYS[1], 'site', 'continues')
if not state.err and state[1] ~= ARGV[1] then state = evicted() end
if state.err or state[1] ~= ARGV[1] then return {'ok', false, false} end
local known = redis.call('HGET', KEYS[3], ARGV[3])
if known then
  local first = cmsgpack.unpack(known)
  return {'ok', {first[1], first[2], first[3]}, state[2]}
end
return {'ok', false, state[2]}
