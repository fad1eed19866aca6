-- What is due in a session now. Replies {'ok', overdue, orphaned, ms of the next moment to look or 0}.
local row = read_state()
if not row then return {'ok', 0, 0, 0} end
local now, later = now_ms(), 0
local overdue, orphaned = 0, 0
local deadline = tonumber(row.deadline or '')
if (row.status == 'running' or row.status == 'held') and deadline then
  if now >= deadline then overdue = 1 else later = deadline end
end
if row.asked > row.answered then
  if not (row.lease and now < row.lease_until) then
    orphaned = 1
  elseif later == 0 or row.lease_until < later then
    later = row.lease_until
  end
end
return {'ok', overdue, orphaned, later}
