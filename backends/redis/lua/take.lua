-- ARGV: 3 account, 4 name, 5 silence in ms, 6 force.
local row, why = find()
if not row then return why end
local person = row.person
local is_repeat = person and person[1] == ARGV[3]
if person and not is_repeat and ARGV[6] ~= '1' then return {'taken', person[2], person[3]} end
local since = is_repeat and person[3] or row.now
local record = {ARGV[3], ARGV[4], since, row.now + tonumber(ARGV[5]), tonumber(ARGV[5]), row.seq}
put_take_over(record)
redis.call('HSET', KEYS[1], 'answered', whole(math.max(row.answered, row.asked)), 'attempts', '0', 'lease_until', '0')
redis.call('HDEL', KEYS[1], 'lease')
if is_repeat then return {'ok', cmsgpack.pack(record), false, 0} end
return {'ok', cmsgpack.pack(record), person and cmsgpack.pack(person) or false, 1}
