-- KEYS: the JWT
-- ARGV: name of the use
local used = redis.call('GET', KEYS[1])
if used and string.match(used, ':(.*)$') == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
