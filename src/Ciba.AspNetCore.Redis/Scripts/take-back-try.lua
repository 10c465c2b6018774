-- KEYS: the user's wrong codes
-- ARGV: try, or nothing for any one of them
if ARGV[1] ~= '' then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
for _, try in ipairs(redis.call('HKEYS', KEYS[1])) do
  if try ~= 'ends' then
    return redis.call('HDEL', KEYS[1], try)
  end
end
return 0
