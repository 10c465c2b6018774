-- KEYS: the request
-- ARGV: lease, new status (R redeemed, A approved)
local record = head(KEYS[1])
if record and text(record, STATUS, 1) == 'L' and text(record, LEASE, 22) == ARGV[1] then
  redis.call('SETRANGE', KEYS[1], STATUS, ARGV[2])
  return 1
end
return 0
