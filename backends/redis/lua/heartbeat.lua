-- KEYS: 1 workers. ARGV: 1 worker, 2 ms to live, or 0 to leave the list.
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
end
return 1
