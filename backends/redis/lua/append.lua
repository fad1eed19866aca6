-- ARGV: 3 epoch or '', 4 id, 5 body, 6 client message id, 7 fingerprint (both optional), 8 renews, 9 opens_turn,
-- 10 closes_turn or '', 11 the log line's own part or '' when the message is not logged, 12 whether the sessions that
-- this one continues have been asked for the client message id, 13 the account that says it (optional).
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
-- On a cluster an earlier session lives on another node, so the caller asks there and calls again.
if key and fingerprint and row.continues and ARGV[12] ~= '1' then return {'continues', row.continues} end
if is_fenced(row, ARGV[3]) then return {'not_owner'} end
local account, opens_turn, closes_turn = optional(ARGV[13]), ARGV[9] == '1', ARGV[10]
if account and (not row.person or row.person[1] ~= account) then return {'not_taken'} end
if row.take_over and ARGV[10] ~= '' and tonumber(ARGV[10]) <= row.take_over[6] then
  if not row.person then return {'taken', '', 0} end
  return {'taken', row.person[2], row.person[3]}
end

local seq, ts = whole(row.seq + 1), whole(math.max(row.now, row.last))
if opens_turn and row.person then opens_turn, closes_turn = false, seq end
local body = '{"seq":' .. seq .. ',"ts":' .. ts .. ',' .. string.sub(ARGV[5], 2)

-- No check has read these two keys, so they are written first: if one has a wrong type, nothing is changed.
if ARGV[11] ~= '' then
  local line = cmsgpack.pack({tonumber(seq), tonumber(ts), row.created, row.visitor, row.continues, ARGV[11], body})
  redis.call('ZADD', KEYS[6], seq, line)
end
if account then
  row.person[4] = row.now + row.person[5]
  put_take_over(row.person)
end
if key then redis.call('HSET', KEYS[3], key, cmsgpack.pack({tonumber(seq), ARGV[4], fingerprint})) end
redis.call('RPUSH', KEYS[2], body)
local activity = ts
if ARGV[8] ~= '1' then activity = row.values[3] end
if opens_turn then
  redis.call('HSET', KEYS[1], 'seq', seq, 'last', ts, 'activity', activity, 'asked', seq)
  row.asked = row.seq + 1
else
  redis.call('HSET', KEYS[1], 'seq', seq, 'last', ts, 'activity', activity)
end
if closes_turn ~= '' then
  row.answered = math.max(row.answered, tonumber(closes_turn))
  redis.call('HSET', KEYS[1], 'answered', whole(row.answered), 'attempts', '0')
end
if row.lease and row.answered >= row.asked then
  redis.call('HDEL', KEYS[1], 'lease')
  redis.call('HSET', KEYS[1], 'lease_until', '0')
end
return {'ok', tonumber(seq), body, ARGV[4], 1}
