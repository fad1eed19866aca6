-- Prepended to every script of a session.
-- KEYS: 1 state, 2 messages, 3 client message ids, 4 extras (context, prior, task body), 5 tombstones by site,
-- 6 the site's outbox.
-- ARGV: 1 site, 2 idle_ttl in ms, then the script's own. An optional text is '' or '=' .. text.
-- Replies: {'ok', ...}, or one of {'not_found'}, {'deleted'}, {'corrupt'}, {'not_owner'}, ...

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

-- Returns the state as a table, or nil and the reply that refuses the call. `values` are the fields as they are stored.
-- This runs with every call, so it has no loop and makes one table only.
local function read_state()
  local v = redis.pcall('HMGET', KEYS[1], 'site', 'created', 'activity', 'seq', 'epoch', 'holder', 'asked', 'answered',
    'attempts', 'visitor', 'continues', 'last', 'lease', 'lease_until', 'task', 'status', 'deadline', 'version',
    'take_over')
  if v.err then return nil, {'corrupt'} end
  if v[1] ~= ARGV[1] then
    if not v[1] and redis.call('EXISTS', KEYS[1]) == 1 then return nil, {'corrupt'} end
    return nil, {'not_found'}
  end
  local row = {
    values = v, created = tonumber(v[2]), activity = tonumber(v[3]), seq = tonumber(v[4]), epoch = tonumber(v[5]),
    holder = v[6], asked = tonumber(v[7]), answered = tonumber(v[8]), attempts = tonumber(v[9]), visitor = v[10],
    continues = v[11], last = tonumber(v[12]), lease = v[13], lease_until = tonumber(v[14]), task = v[15],
    status = v[16], deadline = v[17], version = tonumber(v[18]), take_over = v[19]
  }
  if not (row.created and row.activity and row.seq and row.epoch and row.asked and row.answered and row.attempts
      and row.last and row.lease_until and row.version) then
    return nil, {'corrupt'}
  end
  -- A server that evicts under memory pressure may have dropped one key of several: refuse an incomplete session.
  if redis.pcall('LLEN', KEYS[2]) ~= row.seq then return nil, {'corrupt'} end
  return row
end

local function is_idle(row)
  row.now = now_ms()
  return row.now >= row.activity + tonumber(ARGV[2])
end

-- Returns the state of a live session, with the time of this call as `now`. A session with a tombstone has no state, so
-- the tombstone is read only when there is no state.
local function find()
  local row, why = read_state()
  if row then
    if is_idle(row) then return nil, {'not_found'} end
    if row.take_over then
      -- 1 account, 2 name, 3 since, 4 until, 5 silence, 6 seq; times in ms.
      row.take_over = cmsgpack.unpack(row.take_over)
      row.person = row.now < row.take_over[4] and row.take_over
      if not row.person then row.values[19] = false end
    end
    return row
  end
  local buried = redis.call('HGET', KEYS[5], ARGV[1])
  if buried and now_ms() < tonumber(buried) then return nil, {'deleted'} end
  return nil, why
end

-- Site and predecessor of an evicted session, whose client message ids are kept for a while.
local function evicted()
  local packed = redis.pcall('HGET', KEYS[3], '')
  if type(packed) ~= 'string' then return {false, false} end
  return cmsgpack.unpack(packed)
end

local function is_fenced(row, epoch)
  return epoch ~= '' and tonumber(epoch) < row.epoch
end

-- Writes fields, and updates `row.values`, which the caller returns.
local function update(row, changes)
  local places = {
    activity = 3, seq = 4, epoch = 5, holder = 6, asked = 7, answered = 8, attempts = 9, last = 12, lease = 13,
    lease_until = 14, task = 15, status = 16, deadline = 17, version = 18
  }
  local arguments = {}
  for field, value in pairs(changes) do
    if type(value) == 'number' then value = whole(value) end
    arguments[#arguments + 1] = field
    arguments[#arguments + 1] = value
    row.values[places[field]] = value
  end
  redis.call('HSET', KEYS[1], unpack(arguments))
end

local function put_take_over(record)
  redis.call('HSET', KEYS[1], 'take_over', cmsgpack.pack(record))
end

local function snapshot(row, since, limit)
  local start = math.max(tonumber(since), row.seq - tonumber(limit), 0)
  local messages = {}
  if start < row.seq then messages = redis.call('LRANGE', KEYS[2], start, -1) end
  local body = false
  if row.task then body = redis.call('HGET', KEYS[4], 'task') end
  return {'ok', row.values, body, messages}
end
