-- KEYS: the places of a client that all shards share, by the expiry of their requests
-- ARGV: start of the request's digest, now, expires, how many places there are, time to live in ms
-- Answers 0, or when a place is free.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or ARGV[3])
end
enlist(KEYS[1], ARGV[3], ARGV[1], ARGV[5])
return 0
