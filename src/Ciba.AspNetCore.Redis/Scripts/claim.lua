-- KEYS: the request, the outbox, the tokens of its push
-- ARGV: digest, now, until when the caller holds the entry
-- Answers the record of a request that is due, and the tokens that are kept for it.
local now = tonumber(ARGV[2])
local due = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not due or tonumber(due) > now then
  return false
end

-- Held before it is looked at: one that nobody here can read is in nobody's way until then.
overwrite('ZADD', KEYS[2], ARGV[3], ARGV[1])
local record = redis.call('GET', KEYS[1])
if not record or (string.byte(record, 1) == 49 and number(record, RETAINED) <= now) then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return false
end

-- What somebody is told of as expired stays so, whatever a clock that is behind says.
if string.byte(record, 1) == 49 and text(record, STATUS, 1) == 'P' and number(record, EXPIRES) <= now then
  redis.call('SETRANGE', KEYS[1], STATUS, 'X')
  record = redis.call('GET', KEYS[1])
end
return { record, redis.call('GET', KEYS[3]) }
