-- KEYS: the JWT
-- ARGV: now, its expiry, time to live in ms, name of the use
-- Answers whether this is the first use, or that one again whose answer was lost.
local used = redis.call('GET', KEYS[1])
if used and tonumber(string.match(used, '^%d+')) > tonumber(ARGV[1]) then
  return string.match(used, ':(.*)$') == ARGV[4] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[4], 'PX', ARGV[3])
return 1
