-- KEYS: 1 session hash. ARGV: 1 epoch of the socket that leaves.
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner') end
return 1
