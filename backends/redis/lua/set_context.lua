-- ARGV: 3 epoch or '', 4 context.
local row, why = find()
if not row then return why end
if is_fenced(row, ARGV[3]) then return {'not_owner'} end
redis.call('HSET', KEYS[4], 'context', ARGV[4])
return {'ok'}
