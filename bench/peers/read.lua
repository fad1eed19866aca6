-- KEYS: 1 session hash, 2 list of messages. ARGV: 1 since, 2 limit, 3 '1' to claim the session.
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if ARGV[3] == '1' then redis.call('HINCRBY', KEYS[1], 'epoch', 1) end
local found = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'createdAt', 'lastActivity')
local start = math.max(tonumber(ARGV[1]), tonumber(found[1]) - tonumber(ARGV[2]))
return {found, redis.call('LRANGE', KEYS[2], start, -1)}
