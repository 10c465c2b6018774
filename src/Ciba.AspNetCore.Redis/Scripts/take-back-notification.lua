-- KEYS: the user's notifications
-- ARGV: client's digest, group (nothing: none), name
local client = text(ARGV[1], 0, 8)
return redis.call('ZREM', KEYS[1], notification(client, ARGV[3], ARGV[2], true), notification(client, ARGV[3], ARGV[2], false))
