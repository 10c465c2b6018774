-- KEYS: the request, the outbox, the tokens of its push
-- ARGV: digest, until when the caller holds the entry, the tokens
-- Answers whether the entry is the caller's.
local due = redis.call('ZSCORE', KEYS[2], ARGV[1])
local life = redis.call('PTTL', KEYS[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) or life <= 0 then
  return 0
end
redis.call('SET', KEYS[3], ARGV[3], 'PX', life)
return 1
