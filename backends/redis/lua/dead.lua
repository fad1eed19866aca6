-- KEYS: 1 workers. Replies the workers whose heartbeat has run out, each followed by the ms when it did.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES')
