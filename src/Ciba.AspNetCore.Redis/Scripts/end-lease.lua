-- KEYS: the request
-- ARGV: lease, new status (C completed, R redeemed, A approved), the statuses from which
-- Answers whether the lease has ended so; a completed one at this call or at one before it.
local record = head(KEYS[1])
if not record or text(record, LEASE, 22) ~= ARGV[1] then
  return 0
end
local status = text(record, STATUS, 1)
if string.find(ARGV[3], status, 1, true) then
  overwrite('SETRANGE', KEYS[1], STATUS, ARGV[2])
  return 1
end
return (ARGV[2] == 'C' or ARGV[2] == 'R') and (status == 'R' or status == ARGV[2]) and 1 or 0
