-- KEYS: the request, the outbox, the tokens of its push
-- ARGV: digest, until when the caller holds the entry, when it is due next (nothing: it is done), whether the client was sent
-- its tokens (1 or 0)
local due = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) then
  return 0
end

local record = head(KEYS[1])
if record and ARGV[3] ~= '' then
  overwrite('ZADD', KEYS[2], ARGV[3], ARGV[1])
  return 1
end

local tokens = redis.call('GET', KEYS[3])
if tokens then
  local life = redis.call('PTTL', KEYS[3])
  redis.call('DEL', KEYS[3])
  undoing(function() redis.call('SET', KEYS[3], tokens, 'PX', life) end)
end
if record and ARGV[4] == '1' and text(record, STATUS, 1) == 'A' then
  overwrite('SETRANGE', KEYS[1], STATUS, 'R')
  undoing(function() redis.call('SETRANGE', KEYS[1], STATUS, 'A') end)
end
redis.call('ZREM', KEYS[2], ARGV[1])
return record and 1 or 0
