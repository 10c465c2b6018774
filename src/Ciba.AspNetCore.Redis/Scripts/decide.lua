-- KEYS: the request, the user's pending requests
-- ARGV: digest, user's digest, now, new status (A approved, D denied, F failed), section of the decision
-- Answers a CibaDecideResult.
local DONE, UNKNOWN, NOT_YOURS, ALREADY_DECIDED, EXPIRED = 0, 1, 2, 3, 4

local record = head(KEYS[1])
local now = tonumber(ARGV[3])
if not record or number(record, RETAINED) <= now then
  return UNKNOWN
end
if text(record, USER, 16) ~= ARGV[2] then
  return NOT_YOURS
end
if text(record, STATUS, 1) ~= 'P' then
  return ALREADY_DECIDED
end
if number(record, EXPIRES) <= now then
  return EXPIRED
end

redis.call('ZREM', KEYS[2], member(record, ARGV[1]))
redis.call('SETRANGE', KEYS[1], STATUS, ARGV[4])
redis.call('APPEND', KEYS[1], ARGV[5])
return DONE
