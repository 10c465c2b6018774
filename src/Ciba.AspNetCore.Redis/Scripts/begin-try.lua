-- KEYS: the user's wrong codes, a hash with the end of the window and a field for each try
-- ARGV: now, how many there may be, end of the window, time to live in ms, try
local ends = redis.call('HGET', KEYS[1], 'ends')
if not ends or tonumber(ends) <= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  undoing(function() redis.call('DEL', KEYS[1]) end)
  redis.call('HSET', KEYS[1], 'ends', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
if redis.call('HEXISTS', KEYS[1], ARGV[5]) == 1 then
  -- The same try once more, whose answer was lost.
  return 1
end
if redis.call('HLEN', KEYS[1]) - 1 >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[5], '1')
return 1
