-- KEYS: the request, the user's pending requests, the outbox, the shard's pending requests, the user's notifications, until when
-- the client is to leave the user alone, until when a device of the user listens
-- ARGV: digest, record, time to live in ms, created, expires, forgotten, limit of the user, limit of the user and client,
-- when it is due (nothing: not before it is decided), limit of the user's notifications, limit of the user and client's, until when
-- this one counts, for how many ms their key lives, its name, how many requests the shard grants a client (nothing: any number)
-- Answers one of these, and: when there is room; the digest of the same request that waits already; whether a device listens,
-- whether the request is kept from its user, and whether it needs a place that all shards share.
local ADDED, LIMIT_REACHED, QUIET, IDENTICAL, NOTIFICATION_LIMIT_REACHED = 0, 1, 2, 3, 4

local digest, record, now = ARGV[1], ARGV[2], ARGV[4]
local client, ofGroup, isConcealed = text(record, CLIENT, 8), group(record), concealed(record)

local quiet = tonumber(redis.call('GET', KEYS[6]) or 0)
if quiet > tonumber(now) then
  if ofGroup == '' then
    return { QUIET, quiet }
  end
  isConcealed = true
end

-- Of those that are alike, the one that ends last, if half of the new one's lifetime is left to it.
if string.byte(record, 2) > FINGERPRINT and text(record, FINGERPRINT, 8) ~= string.rep('\0', 8) then
  local mine = member(record, digest)
  local created, expires = tonumber(now), tonumber(ARGV[5])
  local least = string.format('%.0f', created + math.ceil((expires - created) / 2))
  for _, other in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', least)) do
    if string.sub(other, 44, 59) == string.sub(mine, 44, 59) then
      return { IDENTICAL, string.sub(other, 1, 43) }
    end
  end
end

local function refusal(ofGroup)
  local pending = roomAt(KEYS[2], now, PENDING, client, ofGroup, ARGV[7], ARGV[8])
  local notified = roomAt(KEYS[5], now, NOTIFICATION, client, ofGroup, ARGV[10], ARGV[11])
  if pending > 0 or notified > 0 then
    return { pending > 0 and LIMIT_REACHED or NOTIFICATION_LIMIT_REACHED, math.max(pending, notified) }
  end
end

local refused = refusal(ofGroup)
if refused then
  return refused
end

local due = ARGV[9]
isConcealed = isConcealed or (ofGroup ~= '' and refusal('') ~= nil)
if isConcealed and not concealed(record) then
  record = text(record, 0, CONCEALED) .. 'C' .. string.sub(record, CONCEALED + 2)
  due = due ~= '' and ARGV[5] or due
end

local present = redis.call('GET', KEYS[7])

-- First what needs memory: a Redis that is full refuses only the first write of a script.
redis.call('SET', KEYS[1], record, 'PX', ARGV[3])
undoing(function() redis.call('DEL', KEYS[1]) end)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[6])
enlist(KEYS[2], ARGV[5], member(record, digest), ARGV[3])
if due ~= '' then
  enlist(KEYS[3], due, digest, ARGV[3])
end
if ARGV[10] ~= '0' or ARGV[11] ~= '0' then
  note(KEYS[5], notification(client, ARGV[14], ofGroup, isConcealed), ARGV[12], ARGV[13], ARGV[6])
end

local isShared = ARGV[15] ~= '' and enter(KEYS[4], record, digest, ARGV[5], now, ARGV[15], ARGV[3])
return { ADDED, present and tonumber(present) > tonumber(now) and 1 or 0, isConcealed and 1 or 0, isShared and 1 or 0 }
