-- Removes the session if it is idle. Its undelivered lines stay, and its client message ids for ARGV[3] ms.
-- Replies {'ok', what, lines waiting, activity}.
local lines = redis.call('ZCARD', KEYS[6])
local row, why = read_state()
if not row then return {'ok', why[1], lines, 0} end
if not is_idle(row) then return {'ok', 'alive', lines, row.activity} end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[4])
local keeps = tonumber(ARGV[3]) > 0 and (row.continues or redis.call('EXISTS', KEYS[3]) == 1)
if not keeps or type(redis.pcall('HSET', KEYS[3], '', cmsgpack.pack({ARGV[1], row.continues}))) ~= 'number' then
  redis.call('UNLINK', KEYS[3])
else
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
return {'ok', 'evicted', lines, 0}
