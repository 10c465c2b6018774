-- KEYS: the places of a client that all shards share
-- ARGV: start of the request's digest
return redis.call('ZREM', KEYS[1], ARGV[1])
