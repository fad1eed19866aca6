-- ARGV: 3 epoch.
local row, why = find()
if not row then return why end
if tonumber(ARGV[3]) ~= row.epoch or not row.holder then return {'ok', 0} end
redis.call('HDEL', KEYS[1], 'holder')
return {'ok', 1}
