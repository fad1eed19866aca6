-- Shared by every script of a session; concatenated in front of it.
-- KEYS: 1 state, 2 messages, 3 client message ids, 4 extras (context, prior, task body), 5 tombstones by site,
-- 6 the site's outbox.
-- ARGV: 1 site, 2 idle_ttl in ms, then the script's own. An optional text is '' or '=' .. text.
-- Replies: {'ok', ...}, or one of {'not_found'}, {'deleted'}, {'corrupt'}, {'not_owner'}, ...

local FIELDS = {
  'site', 'created', 'activity', 'seq', 'epoch', 'owner', 'asked', 'answered', 'attempts', 'visitor', 'continues',
  'last', 'lease', 'lease_until', 'task', 'status', 'deadline', 'version'
}
local NUMBERS = {'created', 'activity', 'seq', 'epoch', 'asked', 'answered', 'attempts', 'last', 'lease_until', 'version'}

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

local function optional(argument)
  if argument == '' then return false end
  return string.sub(argument, 2)
end

-- The state as a table, or nil and the reply that says why not.
local function read_state()
  local values = redis.pcall('HMGET', KEYS[1], unpack(FIELDS))
  if values.err then return nil, {'corrupt'} end
  if not values[1] then
    if redis.call('EXISTS', KEYS[1]) == 1 then return nil, {'corrupt'} end
    return nil, {'not_found'}
  end
  local row = {values = values}
  for i, field in ipairs(FIELDS) do row[field] = values[i] end
  if row.site ~= ARGV[1] then return nil, {'not_found'} end
  for _, field in ipairs(NUMBERS) do
    row[field] = tonumber(row[field])
    if not row[field] then return nil, {'corrupt'} end
  end
  -- A server that evicts under memory pressure may have dropped one key of several: no half session is shown.
  if redis.pcall('LLEN', KEYS[2]) ~= row.seq then return nil, {'corrupt'} end
  return row
end

local function is_idle(row)
  return now_ms() >= row.activity + tonumber(ARGV[2])
end

local function find()
  local buried = redis.call('HGET', KEYS[5], ARGV[1])
  if buried and now_ms() < tonumber(buried) then return nil, {'deleted'} end
  local row, why = read_state()
  if row and is_idle(row) then return nil, {'not_found'} end
  return row, why
end

local function is_fenced(row, epoch)
  return epoch ~= '' and tonumber(epoch) < row.epoch
end

-- Writes fields and keeps `row.values`, which is what the caller answers, in step.
local function update(row, changes)
  local arguments = {}
  for i, field in ipairs(FIELDS) do
    local value = changes[field]
    if value ~= nil then
      if type(value) == 'number' then value = whole(value) end
      arguments[#arguments + 1] = field
      arguments[#arguments + 1] = value
      row.values[i] = value
    end
  end
  redis.call('HSET', KEYS[1], unpack(arguments))
end

local function snapshot(row, since, limit)
  local start = math.max(tonumber(since), row.seq - tonumber(limit), 0)
  local messages = {}
  if start < row.seq then messages = redis.call('LRANGE', KEYS[2], start, -1) end
  local body = false
  if row.task then body = redis.call('HGET', KEYS[4], 'task') end
  return {'ok', row.values, body, messages}
end
