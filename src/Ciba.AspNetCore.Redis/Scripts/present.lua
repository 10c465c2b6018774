-- KEYS: for each user, until when a device listens
-- ARGV: until when, time to live in ms
for _, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
end
return 1
