-- KEYS: the request
-- ARGV: lease, new status (R redeemed, A approved), the statuses from which (L leased; R too where a redemption is taken back
-- whose answer was lost)
local record = head(KEYS[1])
if record and text(record, LEASE, 22) == ARGV[1] and string.find(ARGV[3], text(record, STATUS, 1), 1, true) then
  overwrite('SETRANGE', KEYS[1], STATUS, ARGV[2])
  return 1
end
return 0
