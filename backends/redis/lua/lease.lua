-- ARGV: 3 worker, 4 ms.
local row, why = find()
if not row then return why end
local now = now_ms()
local held = row.lease and now < row.lease_until
if row.asked <= row.answered or (held and row.lease ~= ARGV[3]) then return {'ok', false} end
local changes = {lease = ARGV[3], lease_until = now + tonumber(ARGV[4])}
if not held then changes.attempts = row.attempts + 1 end
update(row, changes)
return {'ok', row.values}
