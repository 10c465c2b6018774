-- KEYS: one of the shard's, which is not touched
-- Answers seconds and microseconds.
return redis.call('TIME')
