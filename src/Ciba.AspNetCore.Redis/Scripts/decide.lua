-- KEYS: the request, the user's pending requests, the outbox, the shard's pending requests; if need be, until when a client is to
-- leave the user alone
-- ARGV: digest, user's digest, now, new status (A approved, D denied, F failed), section of the decision,
-- one tick before now; if need be, until when a client is to leave the user alone, and for how many ms that is
-- Answers a CibaDecideResult, and the client's digest where the request has a place that all shards share.
local DONE, UNKNOWN, NOT_YOURS, ALREADY_DECIDED, EXPIRED = 0, 1, 2, 3, 4

local record = head(KEYS[1])
local now = tonumber(ARGV[3])
if not record or number(record, RETAINED) <= now then
  return { UNKNOWN, '' }
end
if text(record, USER, 16) ~= ARGV[2] or concealed(record) then
  return { NOT_YOURS, '' }
end
local status = text(record, STATUS, 1)
if status == 'X' or (status == 'P' and number(record, EXPIRES) <= now) then
  return { EXPIRED, '' }
end
if status ~= 'P' then
  return { ALREADY_DECIDED, '' }
end

if KEYS[5] then
  redis.call('SET', KEYS[5], ARGV[7], 'PX', ARGV[8])
end
redis.call('ZREM', KEYS[2], member(record, ARGV[1]))
local client = exit(KEYS[4], record, ARGV[1])
redis.call('SETRANGE', KEYS[1], STATUS, ARGV[4])
redis.call('APPEND', KEYS[1], ARGV[5])
if mode(record) == 'p' then
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  -- Who holds the entry until this very instant is to lose it too.
  local due = redis.call('ZSCORE', KEYS[3], ARGV[1])
  schedule(KEYS[3], ARGV[1], due and tonumber(due) == now and ARGV[6] or ARGV[3], redis.call('PTTL', KEYS[1]))
end
return { DONE, client }
