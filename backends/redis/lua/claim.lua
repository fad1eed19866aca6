-- ARGV: 3 since, 4 limit, 5 holder.
local row, why = find()
if not row then return why end
local taken_from = row.holder
row.values[5], row.values[6] = whole(row.epoch + 1), ARGV[5]
redis.call('HSET', KEYS[1], 'epoch', row.values[5], 'holder', ARGV[5])
local reply = snapshot(row, ARGV[3], ARGV[4])
reply[5] = taken_from
return reply
