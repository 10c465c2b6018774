-- KEYS: the request, the user's pending requests, the outbox, until when the client is to leave the user alone, until when a
-- device of the user listens
-- ARGV: digest, record, time to live in ms, created, expires, forgotten, limit of the user, limit of the user and client,
-- when it is due (nothing: not before it is decided)
-- Answers one of these, or the digest of the same request that waits already.
local LIMIT_REACHED, ADDED, ADDED_AND_LISTENED_FOR, QUIET = 0, 1, 2, 3

local mine = member(ARGV[2], ARGV[1])
local perUser, perClient = tonumber(ARGV[7]), tonumber(ARGV[8])

local quiet = redis.call('GET', KEYS[4])
if quiet and tonumber(quiet) > tonumber(ARGV[4]) then
  return QUIET
end

-- Of those that are alike, the one that ends last, if half of the new one's lifetime is left to it.
if #mine > 51 then
  local created, expires = tonumber(ARGV[4]), tonumber(ARGV[5])
  local least = string.format('%.0f', created + math.ceil((expires - created) / 2))
  for _, other in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', least)) do
    if string.sub(other, 44) == string.sub(mine, 44) then
      return string.sub(other, 1, 43)
    end
  end
end

if perUser > 0 and redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[4], '+inf') >= perUser then
  return LIMIT_REACHED
end

if perClient > 0 then
  local count = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[4], '+inf')) do
    if string.sub(other, 44, 51) == string.sub(mine, 44, 51) then
      count = count + 1
    end
  end
  if count >= perClient then
    return LIMIT_REACHED
  end
end

-- First what needs memory: a Redis that is full refuses only the first write of a script.
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[6])
redis.call('ZADD', KEYS[2], ARGV[5], mine)
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
if ARGV[9] ~= '' then
  schedule(KEYS[3], ARGV[1], ARGV[9], ARGV[3])
end
local present = redis.call('GET', KEYS[5])
return present and tonumber(present) > tonumber(ARGV[4]) and ADDED_AND_LISTENED_FOR or ADDED
