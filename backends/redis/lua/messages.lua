-- ARGV: 3 since, 4 limit.
local row, why = find()
if not row then return why end
local start = math.max(tonumber(ARGV[3]), 0)
local limit = tonumber(ARGV[4])
if limit <= 0 then return {'ok', {}} end
return {'ok', redis.call('LRANGE', KEYS[2], start, start + limit - 1)}
