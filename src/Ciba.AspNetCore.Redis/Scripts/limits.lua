-- What is counted by limits. Each entry of a user's pending requests and of the user's notifications counts until its score. From
-- some place on it names its client, by 8 bytes; behind 8 others, where users are concealed, its group and then whether it is kept
-- from the user.
local PENDING, NOTIFICATION = 44, 1

-- Puts an entry into a set, whose key lives at least so many ms from now on, or moves it from where it was before.
local function enlist(key, score, entry, life, before)
  if redis.call('ZADD', key, score, entry) == 1 then
    undoing(function() redis.call('ZREM', key, entry) end)
  elseif before then
    undoing(function() redis.call('ZADD', key, before, entry) end)
  end
  live(key, life)
end

local function delist(key, entry, life)
  local score = redis.call('ZSCORE', key, entry)
  if score then
    redis.call('ZREM', key, entry)
    undoing(function() enlist(key, score, entry, life) end)
  end
  return score and true or false
end

local function room(scores, limit)
  return limit > 0 and #scores >= limit and tonumber(scores[#scores - limit + 1]) or 0
end

-- When there is room for one more entry of a client; 0 where there is now. Without a group, what is kept from the user does not count.
local function roomAt(key, now, from, client, ofGroup, perUser, perClient)
  perUser, perClient = tonumber(perUser), tonumber(perClient)
  if perUser == 0 and perClient == 0 then
    return 0
  end

  local all, ofClient = {}, {}
  local entries = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf', 'WITHSCORES')
  for i = 1, #entries, 2 do
    local entry = entries[i]
    local counts = string.sub(entry, from + 16, from + 23) == ofGroup
    if ofGroup == '' then
      counts = string.sub(entry, from + 24, from + 24) ~= 'C'
    end
    if counts then
      all[#all + 1] = entries[i + 1]
      if string.sub(entry, from, from + 7) == client then
        ofClient[#ofClient + 1] = entries[i + 1]
      end
    end
  end
  return math.max(room(all, perUser), room(ofClient, perClient))
end

local function notification(client, name, ofGroup, isConcealed)
  return client .. name .. (ofGroup == '' and '' or ofGroup .. (isConcealed and 'C' or '-'))
end

local function note(key, entry, ends, life, forgotten)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', forgotten)
  enlist(key, ends, entry, life)
end

-- The pending requests of a shard by their expiry: those that the shard has granted their client, of which it counts below zero how
-- many each client has, and those that have a place in what all shards share.
local GRANTED, SHARED, COUNT = 'g', 's', 'n'

local function place(record, digest)
  return text(record, CLIENT, 8) .. string.sub(digest, 1, 16)
end

local function leave(key, entry, life)
  if not delist(key, entry, life) then
    return false
  end
  if string.sub(entry, 1, 1) == GRANTED then
    local count = COUNT .. string.sub(entry, 2, 9)
    if tonumber(redis.call('ZINCRBY', key, 1, count)) >= 0 then
      redis.call('ZREM', key, count)
    end
    undoing(function() redis.call('ZINCRBY', key, -1, count) end)
  end
  return true
end

-- Answers whether the client has a place that all shards share.
local function enter(key, record, digest, expires, now, share, life)
  for _, expired in ipairs(redis.call('ZRANGEBYSCORE', key, 1, now, 'LIMIT', 0, 100)) do
    leave(key, expired, life)
  end

  local count = COUNT .. text(record, CLIENT, 8)
  local granted = -tonumber(redis.call('ZSCORE', key, count) or 0) < tonumber(share)
  local entry = (granted and GRANTED or SHARED) .. place(record, digest)
  if redis.call('ZADD', key, expires, entry) == 1 then
    undoing(function() redis.call('ZREM', key, entry) end)
    if granted then
      redis.call('ZINCRBY', key, -1, count)
      undoing(function() redis.call('ZINCRBY', key, 1, count) end)
    end
  end
  live(key, life)
  return not granted
end

-- Answers the client's digest where the request has a place that all shards share, else nothing.
local function exit(key, record, digest, life)
  local entry = place(record, digest)
  if leave(key, SHARED .. entry, life) then
    return text(record, CLIENT, 16)
  end
  leave(key, GRANTED .. entry, life)
  return ''
end
