-- KEYS: requests that polls wait for, then the pending requests of users whose devices wait
-- ARGV: how many of the keys are requests, now
-- Answers the places of the requests that are pending no longer; then, for each user, what is pending in short.
local requests, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local over, users = {}, {}
for i, key in ipairs(KEYS) do
  if i > requests then
    local members = redis.call('ZRANGE', key, 0, -1)
    users[i - requests] = #members > 0 and string.sub(redis.sha1hex(table.concat(members)), 1, 16) or ''
  else
    local part = redis.call('GETRANGE', key, EXPIRES, STATUS)
    if #part <= STATUS - EXPIRES or text(part, STATUS - EXPIRES, 1) ~= 'P' or number(part, 0) <= now then
      over[#over + 1] = i
    end
  end
end
return { over, users }
