-- Stores lines of one session and day in the log with their summary, counts and words, each once.
-- KEYS (all of one site): 1 tombstone, 2 summary, 3 lines, 4 sessions by activity, 5 sessions by name, 6 words,
-- 7 successors, 8 days, 9 the day's message counts, 10 the day's visitors.
-- ARGV: 1 session, 2 started, 3 day, 4 visitor, 5 continues (both optional), 6 successor entry or '', then for each line
-- seq, ts, line, first text (optional), number of word entries, word entries...
local session = ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local lines, words, newest, first_seq, first_text = {}, {}, 0, nil, nil
local i = 7
while i <= #ARGV do
  local seq, ts, count = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 4])
  if redis.call('ZCOUNT', KEYS[3], seq, seq) == 0 then
    lines[#lines + 1] = ARGV[i]
    lines[#lines + 1] = ARGV[i + 2]
    newest = math.max(newest, ts)
    if ARGV[i + 3] ~= '' and (not first_seq or seq < first_seq) then
      first_seq, first_text = seq, string.sub(ARGV[i + 3], 2)
    end
    for word = i + 5, i + 4 + count do
      words[#words + 1] = '0'
      words[#words + 1] = ARGV[word]
      -- A call takes some thousands of arguments at most.
      if #words >= 2000 then
        redis.call('ZADD', KEYS[6], unpack(words))
        words = {}
      end
    end
  end
  i = i + 5 + count
end
if #lines == 0 then return 0 end
redis.call('ZADD', KEYS[3], unpack(lines))
redis.call('HSETNX', KEYS[2], 'started', ARGV[2])
if ARGV[4] ~= '' then
  redis.call('HSETNX', KEYS[2], 'visitor', string.sub(ARGV[4], 2))
  redis.call('HSET', KEYS[10], session, string.sub(ARGV[4], 2))
end
if ARGV[5] ~= '' then redis.call('HSETNX', KEYS[2], 'continues', string.sub(ARGV[5], 2)) end
if first_seq then
  local known = tonumber(redis.call('HGET', KEYS[2], 'first_seq') or '')
  if not known or first_seq < known then
    redis.call('HSET', KEYS[2], 'first_seq', string.format('%.0f', first_seq), 'first_text', first_text)
  end
end
local count = #lines / 2
if redis.call('HINCRBY', KEYS[2], 'messages', count) == count then redis.call('ZADD', KEYS[5], 0, session) end
if redis.call('HINCRBY', KEYS[2], 'day:' .. ARGV[3], count) == count then redis.call('ZADD', KEYS[8], ARGV[3], ARGV[3]) end
local activity = tonumber(redis.call('ZSCORE', KEYS[4], session) or '0')
if newest > activity then redis.call('ZADD', KEYS[4], string.format('%.0f', newest), session) end
if ARGV[6] ~= '' then redis.call('ZADD', KEYS[7], 0, ARGV[6]) end
redis.call('HINCRBY', KEYS[9], session, count)
if #words > 0 then redis.call('ZADD', KEYS[6], unpack(words)) end
return count
