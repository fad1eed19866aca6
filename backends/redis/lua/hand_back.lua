-- ARGV: 3 account.
local row, why = find()
if not row then return why end
if not row.person or row.person[1] ~= ARGV[3] then return {'ok', 0} end
row.person[4] = 0
put_take_over(row.person)
return {'ok', 1}
