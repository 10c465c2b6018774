-- KEYS: the request, the user's pending requests, the outbox
-- ARGV: digest, record, time to live in ms, created, expires, forgotten, limit of the user, limit of the user and client,
-- when it is due (nothing: not before it is decided)
local mine = member(ARGV[2], ARGV[1])
local perUser, perClient = tonumber(ARGV[7]), tonumber(ARGV[8])

if perUser > 0 and redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[4], '+inf') >= perUser then
  return 0
end

if perClient > 0 then
  local count = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[4], '+inf')) do
    if string.sub(other, 44) == string.sub(mine, 44) then
      count = count + 1
    end
  end
  if count >= perClient then
    return 0
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
return 1
