-- KEYS: for each user, until when a device listens
-- ARGV: until when, time to live in ms, which is none for users who are gone
for _, key in ipairs(KEYS) do
  if tonumber(ARGV[2]) > 0 then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  else
    redis.call('DEL', key)
  end
end
return 1
