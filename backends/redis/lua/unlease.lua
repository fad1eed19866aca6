-- ARGV: 3 worker.
if redis.pcall('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'ok'} end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'lease_until', '0')
return {'ok'}
