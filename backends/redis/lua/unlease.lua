-- ARGV: 3 worker. Replies {'ok', whether it held the lease}.
if redis.pcall('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'ok', 0} end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'lease_until', '0')
return {'ok', 1}
