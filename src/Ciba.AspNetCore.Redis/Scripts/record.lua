-- The head of a request's record, as RequestRecord.cs writes it. Numbers are seven bytes, the highest first: instants in
-- ticks since 2024, which a double holds exactly. Runs alike on Lua 5.1 and 5.4.
local HEADER = 128
local CLIENT, USER = 2, 18
local CREATED, EXPIRES, RETAINED, INTERVAL = 34, 41, 48, 55
local NEXT_POLL, POLLED, NODE = 62, 69, 76
local STATUS, LEASE_ENDS, LEASE = 80, 81, 88
local MODE = 110
local FINGERPRINT = 111
local GROUP, CONCEALED = 119, 127

local function number(record, at)
  local a, b, c, d, e, f, g = string.byte(record, at + 1, at + 7)
  return (((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f) * 256 + g
end

local function seven(value)
  local bytes = {}
  for i = 7, 1, -1 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local function text(record, at, length)
  return string.sub(record, at + 1, at + length)
end

-- The head of the record, or nil where there is none.
local function head(key)
  local record = redis.call('GETRANGE', key, 0, HEADER - 1)
  if record == '' then
    return nil
  end
  if string.byte(record, 1) ~= 49 then
    error('CIBAVERSION')
  end
  return record
end

-- How the client gets its tokens: p poll, i ping, u push. A head that ends before this is from before there was a choice.
local function mode(record)
  return string.byte(record, 2) > MODE and text(record, MODE, 1) or 'p'
end

-- Has a key live at least so many ms from now on.
local function live(key, life)
  if redis.call('PTTL', key) < tonumber(life) then
    redis.call('PEXPIRE', key, life)
  end
end

-- Writes into what is there already. That needs no memory worth mentioning, yet a Redis that is full refuses it as the first write of
-- a step; behind one that can need none it does not.
local function overwrite(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then
    return answer
  end
  local life = redis.call('PTTL', key)
  if life > 0 and string.find(answer.err, 'OOM', 1, true) then
    redis.call('PEXPIRE', key, life)
  end
  return redis.call(command, key, ...)
end

-- Where users are concealed: what the client's limits are counted by, else nothing.
local function group(record)
  return string.byte(record, 2) > GROUP and text(record, GROUP, 8) or ''
end

-- Whether the request is kept from its user.
local function concealed(record)
  return string.byte(record, 2) > CONCEALED and text(record, CONCEALED, 1) == 'C'
end

-- What the user's index holds of a request: its digest, enough of the client's to count by, and fingerprint and group where it has them.
local function member(record, digest)
  local length = string.byte(record, 2)
  return digest .. text(record, CLIENT, 8) .. (length > FINGERPRINT and text(record, FINGERPRINT, math.min(length, HEADER) - FINGERPRINT) or '')
end
