-- KEYS: the request, the user's pending requests
-- ARGV: digest, now
-- Puts a request that waits back into its user's list, if Redis evicted that. Answers whether it did.
local record = head(KEYS[1])
if not record or text(record, STATUS, 1) ~= 'P' or number(record, EXPIRES) <= tonumber(ARGV[2]) then
  return 0
end
local entry = member(record, ARGV[1])
if redis.call('ZSCORE', KEYS[2], entry) then
  return 0
end
enlist(KEYS[2], string.format('%.0f', number(record, EXPIRES)), entry, redis.call('PTTL', KEYS[1]))
return 1
