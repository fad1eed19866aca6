-- KEYS: 1 values, 2 versions. ARGV: 1 name.
return {redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[2], ARGV[1])}
