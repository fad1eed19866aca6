-- ARGV: 3 visitor, 4 continues, 5 prior (each optional).
local now = whole(now_ms())
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
for _, buried in ipairs(redis.call('HVALS', KEYS[5])) do
  if tonumber(now) < tonumber(buried) then return {'exists'} end
end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'site', ARGV[1], 'created', now, 'activity', now, 'last', '0', 'seq', '0', 'epoch', '0',
  'asked', '0', 'answered', '0', 'attempts', '0', 'lease_until', '0', 'version', '0')
local visitor, continues, prior = optional(ARGV[3]), optional(ARGV[4]), optional(ARGV[5])
if visitor then redis.call('HSET', KEYS[1], 'visitor', visitor) end
if continues then redis.call('HSET', KEYS[1], 'continues', continues) end
if prior then redis.call('HSET', KEYS[4], 'prior', prior) end
return {'ok', now}
