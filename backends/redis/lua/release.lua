-- ARGV: 3 epoch.
local row, why = find()
if not row then return why end
if tonumber(ARGV[3]) ~= row.epoch or not row.owner then return {'ok', 0} end
redis.call('HDEL', KEYS[1], 'owner')
return {'ok', 1}
