-- KEYS: the request, the user's pending requests, the outbox
-- ARGV: digest, user's digest
local record = head(KEYS[1])
if record and text(record, USER, 16) == ARGV[2] and text(record, STATUS, 1) == 'P' then
  redis.call('ZREM', KEYS[2], member(record, ARGV[1]))
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('DEL', KEYS[1])
  return 1
end
return 0
