-- ARGV: 3 tombstone in ms, 4 bury_absent, 5 whether the outbox goes too (when the log is elsewhere).
local row, why = find()
if why and why[1] == 'deleted' and redis.call('HEXISTS', KEYS[5], 'done:' .. ARGV[1]) == 0 then return {'pending'} end
if why and (why[1] == 'deleted' or ARGV[4] ~= '1') then return why end
local site = redis.pcall('HGET', KEYS[1], 'site')
if not site then site = evicted()[1] end
local foreign = type(site) == 'string' and site ~= ARGV[1]
local lines, first = 0, 0
if not foreign then
  redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  if ARGV[5] == '1' then
    lines = redis.pcall('ZCARD', KEYS[6])
    if type(lines) ~= 'number' then lines = 0 end
    if lines > 0 then first = tonumber(redis.call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2]) end
    redis.call('UNLINK', KEYS[6])
  end
end
if tonumber(ARGV[3]) > 0 then
  local buried = now_ms() + tonumber(ARGV[3])
  local expires = math.max(buried, now_ms() + redis.call('PTTL', KEYS[5]))
  redis.call('HSET', KEYS[5], ARGV[1], whole(buried))
  redis.call('HDEL', KEYS[5], 'done:' .. ARGV[1])
  redis.call('PEXPIREAT', KEYS[5], whole(expires))
end
if not row then return {'ok', 0, 0, 0, lines, first} end
return {'ok', 1, row.seq, row.task and 1 or 0, lines, first}
