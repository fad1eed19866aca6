-- ARGV: 3 worker. Replies {'ok', whether it held the lease}.
local held = redis.pcall('HMGET', KEYS[1], 'lease', 'site')
if held.err or held[1] ~= ARGV[3] or held[2] ~= ARGV[1] then return {'ok', 0} end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'lease_until', '0')
return {'ok', 1}
