-- KEYS: one of the shard's, which is not touched
-- Answers what Redis tells of its memory.
return redis.call('INFO', 'memory')
