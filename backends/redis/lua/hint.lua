-- Adds the sessions ARGV[2...] to each of KEYS (sorted sets of one site), with the score ARGV[1] or the present time.
-- Scores are in microseconds and grow with every hint: whoever removes one sees whether it was renewed.
local score = tonumber(ARGV[1])
if not score then
  local time = redis.call('TIME')
  score = time[1] * 1000000 + time[2]
end
for _, key in ipairs(KEYS) do
  for i = 2, #ARGV do
    local before = tonumber(redis.call('ZSCORE', key, ARGV[i]) or '')
    local after = score
    if before and before >= after and after > 0 then after = before + 1 end
    redis.call('ZADD', key, string.format('%.0f', after), ARGV[i])
  end
end
return 1
