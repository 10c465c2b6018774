-- KEYS: the user's notifications, until when the client is to leave the user alone
-- ARGV: client's digest, group (nothing: none), whether the request is kept from its user (1 or 0), now, limit of the user, limit of
-- the user and client, until when this one counts, for how many ms the key lives, its name, forgotten
-- Answers a CibaNotificationStatus, and when there is room.
local COUNTED, LIMIT_REACHED, COOLDOWN, CONCEALED_ONLY = 0, 1, 2, 3

local client, ofGroup, isConcealed, now = text(ARGV[1], 0, 8), ARGV[2], ARGV[3] == '1', ARGV[4]
local quiet = tonumber(redis.call('GET', KEYS[2]) or 0)
if ofGroup == '' and quiet > tonumber(now) then
  return { COOLDOWN, quiet }
end

local at = roomAt(KEYS[1], now, NOTIFICATION, client, ofGroup, ARGV[5], ARGV[6])
if at > 0 then
  return { LIMIT_REACHED, at }
end

isConcealed = isConcealed
  or (ofGroup ~= '' and (quiet > tonumber(now) or roomAt(KEYS[1], now, NOTIFICATION, client, '', ARGV[5], ARGV[6]) > 0))
if ARGV[5] ~= '0' or ARGV[6] ~= '0' then
  note(KEYS[1], notification(client, ARGV[9], ofGroup, isConcealed), ARGV[7], ARGV[8], ARGV[10])
end
return { isConcealed and CONCEALED_ONLY or COUNTED, 0 }
