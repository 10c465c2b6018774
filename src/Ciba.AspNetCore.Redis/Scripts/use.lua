-- KEYS: the JWT
-- ARGV: now, its expiry, time to live in ms
local used = redis.call('GET', KEYS[1])
if used and tonumber(used) > tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
