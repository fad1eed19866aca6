-- ARGV: 3 since, 4 limit.
local row, why = find()
if not row then return why end
return snapshot(row, ARGV[3], ARGV[4])
