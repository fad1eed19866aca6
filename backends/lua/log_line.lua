-- Stores one line of the log with its summary, counts and index, once.
-- KEYS (all of one site): 1 tombstone, 2 summary, 3 lines, 4 sessions by activity, 5 sessions by name, 6 words,
-- 7 successors, 8 days, 9 the day's message counts, 10 the day's visitors.
-- ARGV: 1 session, 2 seq, 3 ts, 4 line, 5 started, 6 day, 7 visitor, 8 continues, 9 first text (each optional),
-- 10 successor entry or '', 11... word entries.
local session, seq = ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('ZCOUNT', KEYS[3], seq, seq) > 0 then return 0 end
redis.call('ZADD', KEYS[3], seq, ARGV[4])
redis.call('HSETNX', KEYS[2], 'started', ARGV[5])
for name, value in pairs({visitor = ARGV[7], continues = ARGV[8]}) do
  if value ~= '' then redis.call('HSETNX', KEYS[2], name, string.sub(value, 2)) end
end
if ARGV[9] ~= '' then
  local first = tonumber(redis.call('HGET', KEYS[2], 'first_seq') or '')
  if not first or seq < first then
    redis.call('HSET', KEYS[2], 'first_seq', ARGV[2], 'first_text', string.sub(ARGV[9], 2))
  end
end
redis.call('HINCRBY', KEYS[2], 'messages', 1)
redis.call('HINCRBY', KEYS[2], 'day:' .. ARGV[6], 1)
local activity = tonumber(redis.call('ZSCORE', KEYS[4], session) or '0')
if tonumber(ARGV[3]) > activity then redis.call('ZADD', KEYS[4], ARGV[3], session) end
redis.call('ZADD', KEYS[5], 0, session)
if ARGV[10] ~= '' then redis.call('ZADD', KEYS[7], 0, ARGV[10]) end
redis.call('ZADD', KEYS[8], ARGV[6], ARGV[6])
redis.call('HINCRBY', KEYS[9], session, 1)
if ARGV[7] ~= '' then redis.call('HSET', KEYS[10], session, string.sub(ARGV[7], 2)) end
for i = 11, #ARGV do redis.call('ZADD', KEYS[6], 0, ARGV[i]) end
return 1
