-- KEYS: 1 values, 2 versions, 3 names. ARGV: 1 name.
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
