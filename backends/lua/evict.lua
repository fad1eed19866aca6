-- Removes the session if it is idle; its undelivered lines stay. Replies {'ok', what, lines waiting, activity}.
local lines = redis.call('ZCARD', KEYS[6])
local row, why = read_state()
if not row then return {'ok', why[1], lines, 0} end
if not is_idle(row) then return {'ok', 'alive', lines, row.activity} end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return {'ok', 'evicted', lines, 0}
