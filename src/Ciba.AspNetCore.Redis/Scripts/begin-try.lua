-- KEYS: the user's wrong codes
-- ARGV: now, how many there may be, end of the window, time to live in ms
local ends = redis.call('HGET', KEYS[1], 'ends')
if not ends or tonumber(ends) <= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'ends', ARGV[3])
  redis.call('HSET', KEYS[1], 'count', '0')
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
if tonumber(redis.call('HGET', KEYS[1], 'count')) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'count', '1')
return 1
