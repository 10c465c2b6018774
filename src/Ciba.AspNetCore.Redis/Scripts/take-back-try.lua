-- KEYS: the user's wrong codes
local count = redis.call('HGET', KEYS[1], 'count')
if count and tonumber(count) > 0 then
  redis.call('HINCRBY', KEYS[1], 'count', '-1')
end
return 1
