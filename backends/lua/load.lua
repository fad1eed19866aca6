local row, why = find()
if not row then return why end
return {'ok', row.values}
