local row, why = find()
if not row then return why end
return snapshot(row, row.seq, 0)
