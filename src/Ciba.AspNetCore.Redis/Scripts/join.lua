-- KEYS: the nodes, by when they were last seen
-- ARGV: this node, now, until when a node was last seen that counts no longer, time to live in ms
-- Answers the nodes that count, this one among them.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
undoing(function() redis.call('ZREM', KEYS[1], ARGV[1]) end)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return redis.call('ZRANGE', KEYS[1], 0, -1)
