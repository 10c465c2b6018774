-- KEYS: the nodes
-- ARGV: the node that leaves
return redis.call('ZREM', KEYS[1], ARGV[1])
