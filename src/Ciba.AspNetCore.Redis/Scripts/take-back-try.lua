-- KEYS: the user's wrong codes
-- ARGV: try
return redis.call('HDEL', KEYS[1], ARGV[1])
