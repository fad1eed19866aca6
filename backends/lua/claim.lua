-- ARGV: 3 since, 4 limit, 5 owner.
local row, why = find()
if not row then return why end
update(row, {epoch = row.epoch + 1, owner = ARGV[5]})
return snapshot(row, ARGV[3], ARGV[4])
