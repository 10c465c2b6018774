-- KEYS: the request
-- ARGV: client's digest, now, end of the lease, lease, node, whether the poll has waited (1 or 0)
-- Answers a CibaPollStatus; then, while the user has not answered, interval and expiry, or with the lease the record.
local UNKNOWN, REDEEMED, EXPIRED, DENIED, FAILED, PENDING, SLOW_DOWN, APPROVED = 0, 1, 2, 3, 4, 5, 6, 7
local FIVE_SECONDS = 50000000

local record = head(KEYS[1])
if not record or text(record, CLIENT, 16) ~= ARGV[1] then
  return { UNKNOWN }
end

local now = tonumber(ARGV[2])
if number(record, RETAINED) <= now then
  redis.call('DEL', KEYS[1])
  return { UNKNOWN }
end

local status = text(record, STATUS, 1)
if status == 'R' then
  return { REDEEMED }
end
local expires = number(record, EXPIRES)
if expires <= now or status == 'X' then
  return { EXPIRED }
end
if status == 'D' then
  return { DENIED }
end
if status == 'F' then
  return { FAILED }
end

local isLeased = status == 'L' or status == 'C'
if status == 'A' or (isLeased and number(record, LEASE_ENDS) <= now) then
  local whole = redis.call('GET', KEYS[1])
  overwrite('SETRANGE', KEYS[1], STATUS, 'L' .. seven(tonumber(ARGV[3])) .. ARGV[4])
  return { APPROVED, whole }
end
if isLeased then
  return { PENDING }
end
if status ~= 'P' then
  error('CIBAVERSION')
end

local interval = number(record, INTERVAL)
if ARGV[6] == '1' then
  -- The next poll may come at once, by whichever node's clock.
  overwrite('SETRANGE', KEYS[1], NEXT_POLL, seven(0))
  return { PENDING, interval, expires }
end

-- The clocks of two nodes may differ, so what another node wrote down is held against Redis's own clock as well.
local clock = redis.call('TIME')
local polled = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local tooSoon = now < number(record, NEXT_POLL)
  and (text(record, NODE, 4) == ARGV[5] or (polled - number(record, POLLED)) * 10000 < interval)
if tooSoon then
  interval = interval + FIVE_SECONDS
  overwrite('SETRANGE', KEYS[1], INTERVAL, seven(interval) .. seven(now + interval) .. seven(polled) .. ARGV[5])
  return { SLOW_DOWN, interval, expires }
end
overwrite('SETRANGE', KEYS[1], NEXT_POLL, seven(now + interval) .. seven(polled) .. ARGV[5])
return { PENDING, interval, expires }
