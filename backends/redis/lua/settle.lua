-- Moves sessions from KEYS[1] to KEYS[2], or drops them, unless their hint was renewed since they were read.
-- ARGV: triples of id, the score seen, and the score it gets in KEYS[2] or '' to drop it.
for i = 1, #ARGV, 3 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
    if ARGV[i + 2] ~= '' then redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i]) end
  end
end
return 1
