-- KEYS: the request, the user's pending requests, the outbox, the shard's pending requests; if need be, the user's notifications
-- ARGV: digest, user's digest; if need be, the name of the notification that is taken back with the request
-- Answers whether it was removed, and the client's digest where it had a place that all shards share.
local record = head(KEYS[1])
if record and text(record, USER, 16) == ARGV[2] and text(record, STATUS, 1) == 'P' then
  local life = redis.call('PTTL', KEYS[1])
  delist(KEYS[2], member(record, ARGV[1]), life)
  delist(KEYS[3], ARGV[1], life)
  local client = exit(KEYS[4], record, ARGV[1], life)
  if ARGV[3] then
    delist(KEYS[5], notification(text(record, CLIENT, 8), ARGV[3], group(record), concealed(record)), life)
  end
  redis.call('DEL', KEYS[1])
  return { 1, client }
end
return { 0, '' }
