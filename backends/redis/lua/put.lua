-- KEYS: 1 values, 2 versions, 3 names. ARGV: 1 name, 2 value, 3 expect. Replies {won, version}.
local version = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if version ~= tonumber(ARGV[3]) then return {0, version} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], version + 1)
redis.call('ZADD', KEYS[3], 0, ARGV[1])
return {1, version + 1}
