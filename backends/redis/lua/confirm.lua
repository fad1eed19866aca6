-- The log has confirmed the deletion of the session.
if redis.call('HEXISTS', KEYS[5], ARGV[1]) == 1 then redis.call('HSET', KEYS[5], 'done:' .. ARGV[1], '0') end
return {'ok'}
