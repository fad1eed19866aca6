-- ARGV: 3 epoch or '', 4 expect, 5 task id, 6 status, 7 body, 8 deadline or '', 9 renews.
local row, why = find()
if not row then return why end
if is_fenced(row, ARGV[3]) then return {'not_owner'} end
if tonumber(ARGV[4]) ~= row.version then return {'conflict', row.version} end
redis.call('HSET', KEYS[4], 'task', ARGV[7])
local changes = {task = ARGV[5], status = ARGV[6], deadline = ARGV[8], version = row.version + 1}
if ARGV[9] == '1' then changes.activity = now_ms() end
update(row, changes)
return {'ok', row.version + 1}
