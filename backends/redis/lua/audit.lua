-- KEYS: 1 the site's trail. ARGV: 1 line. The number in front keeps equal lines apart and lines of one ms in order.
local time = redis.call('TIME')
local ts = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then ts = math.max(ts, tonumber(last[2])) end
local number = redis.call('ZCARD', KEYS[1]) + 1
redis.call('ZADD', KEYS[1], string.format('%.0f', ts), string.format('%016.0f', number) .. ARGV[1])
return 1
