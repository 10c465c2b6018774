-- KEYS: the user's pending requests, the shard's pending requests, then a request for each member
-- ARGV: members of the user's pending requests
-- Takes out those whose request is gone before its time, because Redis evicted it. Answers how many.
local gone, life = 0, redis.call('PTTL', KEYS[2])
for i, entry in ipairs(ARGV) do
  if redis.call('GETRANGE', KEYS[i + 2], 0, 0) == '' then
    gone = gone + redis.call('ZREM', KEYS[1], entry)
    local place = string.sub(entry, PENDING, PENDING + 7) .. string.sub(entry, 1, 16)
    if not leave(KEYS[2], SHARED .. place, life) then
      leave(KEYS[2], GRANTED .. place, life)
    end
  end
end
return gone
