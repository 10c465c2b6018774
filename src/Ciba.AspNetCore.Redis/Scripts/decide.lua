-- KEYS: the request, the user's pending requests, the outbox, the shard's pending requests; if need be, until when a client is to
-- leave the user alone
-- ARGV: digest, user's digest, now, new status (A approved, D denied, F failed), section of the decision,
-- one tick before now, section of the decision's identifier; if need be, until when a client is to leave the user alone, and for how many ms that is
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
if status ~= 'P' and status ~= 'X' and string.find(redis.call('GET', KEYS[1]), ARGV[7], 1, true) then
  -- The same decision once more, whose answer was lost.
  return { DONE, text(record, CLIENT, 16) }
end
if status == 'X' or (status == 'P' and number(record, EXPIRES) <= now) then
  return { EXPIRED, '' }
end
if status ~= 'P' then
  return { ALREADY_DECIDED, '' }
end

-- What is appended last cannot be taken off again.
overwrite('SETRANGE', KEYS[1], STATUS, ARGV[4])
undoing(function() redis.call('SETRANGE', KEYS[1], STATUS, status) end)
local life = redis.call('PTTL', KEYS[1])
if mode(record) == 'p' then
  delist(KEYS[3], ARGV[1], life)
else
  -- Who holds the entry until this very instant is to lose it too.
  local due = redis.call('ZSCORE', KEYS[3], ARGV[1])
  enlist(KEYS[3], due and tonumber(due) == now and ARGV[6] or ARGV[3], ARGV[1], life, due)
end
delist(KEYS[2], member(record, ARGV[1]), life)
local client = exit(KEYS[4], record, ARGV[1], life)
if KEYS[5] then
  local before, left = redis.call('GET', KEYS[5]), redis.call('PTTL', KEYS[5])
  redis.call('SET', KEYS[5], ARGV[8], 'PX', ARGV[9])
  undoing(function()
    if before and left > 0 then
      redis.call('SET', KEYS[5], before, 'PX', left)
    else
      redis.call('DEL', KEYS[5])
    end
  end)
end
redis.call('APPEND', KEYS[1], ARGV[5] .. ARGV[7])
return { DONE, client }
