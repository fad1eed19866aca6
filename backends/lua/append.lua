-- ARGV: 3 epoch or '', 4 id, 5 body, 6 client message id, 7 fingerprint (both optional), 8 renews, 9 opens_turn,
-- 10 closes_turn or '', 11 the log line's own part or '' when the message is not logged.
local row, why = find()
if not row then return why end
local key, fingerprint = optional(ARGV[6]), optional(ARGV[7])
local known = key and redis.call('HGET', KEYS[3], key)
if known then
  local first = cmsgpack.unpack(known)
  if fingerprint and fingerprint ~= first[3] then return {'duplicate'} end
  local body = redis.call('LINDEX', KEYS[2], first[1] - 1)
  if not body then return {'corrupt'} end
  return {'ok', first[1], body, first[2], 0}
end
if is_fenced(row, ARGV[3]) then return {'not_owner'} end

local seq = row.seq + 1
local ts = math.max(now_ms(), row.last)
local body = '{"seq":' .. whole(seq) .. ',"ts":' .. whole(ts) .. ',' .. string.sub(ARGV[5], 2)
local changes = {seq = seq, last = ts}
if ARGV[8] == '1' then changes.activity = ts end
local asked, answered = row.asked, row.answered
if ARGV[9] == '1' then asked = seq end
if ARGV[10] ~= '' then
  answered = math.max(answered, tonumber(ARGV[10]))
  changes.attempts = 0
end
changes.asked, changes.answered = asked, answered
if answered >= asked then changes.lease_until = 0 end

-- The two keys that no check has read yet are written first: of a wrong type, they fail before anything is changed.
if ARGV[11] ~= '' then
  local line = cmsgpack.pack({seq, ts, row.created, row.visitor, row.continues, ARGV[11], body})
  redis.call('ZADD', KEYS[6], seq, line)
end
if key then redis.call('HSET', KEYS[3], key, cmsgpack.pack({seq, ARGV[4], fingerprint})) end
redis.call('RPUSH', KEYS[2], body)
update(row, changes)
if answered >= asked and row.lease then redis.call('HDEL', KEYS[1], 'lease') end
return {'ok', seq, body, ARGV[4], 1}
