-- Removes a session from the log if it has not changed since the caller read it. Its lines move to the bin, from which
-- the caller removes their words.
-- KEYS (all of one site): 1 tombstone, 2 summary, 3 lines, 4 sessions by activity, 5 sessions by name, 6 bin,
-- 7 sessions in the bin, 8 successors, 9 days, then for each day its message counts and its visitors.
-- ARGV: 1 session, 2 messages it must have, 3 ms its last activity must be before or '', 4 tombstone in ms or '',
-- 5 successor entry or '', 6... the days. Replies the number of lines, or -1 when it has changed.
if ARGV[4] ~= '' and tonumber(ARGV[4]) > 0 then redis.call('SET', KEYS[1], '1', 'PX', ARGV[4]) end
local messages = redis.call('HGET', KEYS[2], 'messages') or '0'
if messages ~= ARGV[2] then return -1 end
if ARGV[3] ~= '' then
  local activity = tonumber(redis.call('ZSCORE', KEYS[4], ARGV[1]) or '')
  if not activity or activity >= tonumber(ARGV[3]) then return 0 end
end
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('ZADD', KEYS[7], 0, ARGV[1])
  redis.call('ZUNIONSTORE', KEYS[6], 2, KEYS[6], KEYS[3])
end
redis.call('UNLINK', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
if ARGV[5] ~= '' then redis.call('ZREM', KEYS[8], ARGV[5]) end
for i = 6, #ARGV do
  local counts = 10 + 2 * (i - 6)
  redis.call('HDEL', KEYS[counts], ARGV[1])
  redis.call('HDEL', KEYS[counts + 1], ARGV[1])
  if redis.call('EXISTS', KEYS[counts]) == 0 then redis.call('ZREM', KEYS[9], ARGV[i]) end
end
return tonumber(messages)
