-- KEYS: 1 session hash, 2 list of messages, 3 hash of client message ids, 4 stream of log lines.
-- ARGV: 1 epoch, 2 client message id, 3 text, 4 message id, 5 the message's JSON without seq and ts, 6 now (ms),
-- 7 idle time (ms), 8 session id when the message is logged, else ''.
local found = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'lastActivity', 'createdAt')
if not found[1] or tonumber(ARGV[6]) - tonumber(found[3]) >= tonumber(ARGV[7]) then return {'session_not_found'} end
local known = redis.call('HGET', KEYS[3], ARGV[2])
if known then
  local first = cjson.decode(known)
  if first[3] ~= ARGV[3] then return {'duplicate_id_conflict'} end
  return {'ok', first[1], first[2]}
end
if found[2] ~= ARGV[1] then return {'not_owner'} end
local seq = tonumber(found[1]) + 1
redis.call('HSET', KEYS[1], 'seq', seq, 'lastActivity', ARGV[6])
redis.call('HSET', KEYS[3], ARGV[2], cjson.encode({seq, ARGV[4], ARGV[3]}))
local body = '{"seq":' .. seq .. ',"ts":' .. ARGV[6] .. ',' .. string.sub(ARGV[5], 2)
redis.call('RPUSH', KEYS[2], body)
if ARGV[8] ~= '' then
  redis.call('XADD', KEYS[4], '*', 'session', ARGV[8], 'started', found[4], 'body', body)
end
return {'ok', seq, ARGV[4]}
