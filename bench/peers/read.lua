-- KEYS: 1 session hash, 2 list of messages. ARGV: 1 since, 2 limit, 3 the socket that claims the session or '',
-- 4 now (ms), 5 idle time (ms).
local found = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'createdAt', 'lastActivity')
if not found[1] or tonumber(ARGV[4]) - tonumber(found[4]) >= tonumber(ARGV[5]) then return false end
if ARGV[3] ~= '' then
  found[2] = tonumber(found[2]) + 1
  redis.call('HSET', KEYS[1], 'epoch', found[2], 'owner', ARGV[3])
end
local start = math.max(tonumber(ARGV[1]), tonumber(found[1]) - tonumber(ARGV[2]))
if start >= tonumber(found[1]) then return {found, {}} end
return {found, redis.call('LRANGE', KEYS[2], start, -1)}
