-- KEYS: 1 the session's lines, 2 its summary, 3 sessions by activity, 4 words, 5 days, 6 the day's counts.
-- ARGV: 1 session, 2 started, 3 day, then for each line seq, ts, body, first text, number of word entries, entries...
local lines, words, newest = {}, {}, 0
local i = 4
while i <= #ARGV do
  local seq, count = ARGV[i], tonumber(ARGV[i + 4])
  if redis.call('ZCOUNT', KEYS[1], seq, seq) == 0 then
    lines[#lines + 1] = seq
    lines[#lines + 1] = ARGV[i + 2]
    newest = math.max(newest, tonumber(ARGV[i + 1]))
    for word = i + 5, i + 4 + count do
      words[#words + 1] = '0'
      words[#words + 1] = ARGV[word]
    end
    if seq == '1' then redis.call('HSET', KEYS[2], 'first', ARGV[i + 3]) end
  end
  i = i + 5 + count
end
if #lines == 0 then return 0 end
redis.call('ZADD', KEYS[1], unpack(lines))
redis.call('HSETNX', KEYS[2], 'started', ARGV[2])
redis.call('HINCRBY', KEYS[2], 'messages', #lines / 2)
redis.call('ZADD', KEYS[3], newest, ARGV[1])
redis.call('ZADD', KEYS[5], ARGV[3], ARGV[3])
redis.call('HINCRBY', KEYS[6], ARGV[1], #lines / 2)
if #words > 0 then redis.call('ZADD', KEYS[4], unpack(words)) end
return #lines / 2
