-- KEYS: 1 sessions to look at now, 2 sessions to look at when their score has come. ARGV: 1 limit, 2 age in microseconds
-- that an entry of KEYS[1] must have. Replies {now in microseconds, {id, score, ...}, {id, score, ...}}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function due(key, latest)
  return redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', latest), 'WITHSCORES', 'LIMIT', 0, ARGV[1])
end
local later = {}
if KEYS[2] then later = due(KEYS[2], now) end
return {string.format('%.0f', now), due(KEYS[1], now - tonumber(ARGV[2])), later}
