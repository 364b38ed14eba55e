package cachestore

import "github.com/gomodule/redigo/redis"

// The ids of purges are times of the server, in microseconds, as 16 digits: they only grow. The log is a list of "ID TARGET PAYLOAD",
// the wide purges are a list of "ID PAYLOAD" after its floor, an ID. A target is a hash: the field "" and those of narrower scopes, each
// with "HARD SOFT", the ids of its last purges. What is missing has been evicted: it counts as purged.
//
// A key of answers is a hash: for each variant V the field mV, "BEGAN APP ORIGIN TARGET...", and the field vV, the answer.
const prelude = `
local function id(n) return string.format('%016.0f', n) end
local function first(list, i)
  local e = redis.call('LINDEX', list, i)
  return e and tonumber(string.sub(e, 1, 16))
end
local function fresh(last)
  local t = redis.call('TIME')
  return math.max(t[1] * 1000000 + t[2], last + 1)
end
-- The last purge, and the floor of the wide ones. What is missing is begun again, which ends all that was stored before.
local function begin(log, wide)
  local last, floor = first(log, -1), first(wide, 0)
  if not last or not floor then
    last = fresh(math.max(last or 0, floor or 0))
    redis.call('RPUSH', log, id(last) .. ' - ')
    if not floor then
      redis.call('DEL', wide)
      redis.call('RPUSH', wide, id(last))
      floor = last
    end
  end
  return last, floor
end
-- The last hard and soft purge of what is stored with the meta m; nil: it counts as purged, or m is damaged.
local function purges(prefix, m)
  local began, app, origin, rest = string.match(m, '^(%d+) (%x+) (%x+)( [%x ]+)$')
  if not began or #began ~= 16 then return nil end
  local hard, soft = 0, 0
  for t in string.gmatch(rest, '%x+') do
    local g = redis.call('HMGET', prefix .. t, '', app, origin, app .. origin)
    if not g[1] then return nil end
    for i = 1, 4 do
      if g[i] then
        hard = math.max(hard, tonumber(string.sub(g[i], 1, 16)) or math.huge)
        soft = math.max(soft, tonumber(string.sub(g[i], 18, 33)) or 0)
      end
    end
  end
  return tonumber(began), hard, soft
end
local function extend(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
`

// KEYS: answers, log, wide. ARGV: prefix of targets, the last wide purge that the caller knows, the most bytes of a value, and of all.
// The answer: the last purge, the floor, the wide purges (nil: the caller knows them), how many damaged values were removed, and
// for each variant its name, its meta, its last soft purge and its value. What was purged is removed.
var loadScript = redis.NewScript(3, prelude+`
local last, floor = begin(KEYS[2], KEYS[3])
local wide = false
if redis.call('LINDEX', KEYS[3], -1) ~= ARGV[2] then wide = redis.call('LRANGE', KEYS[3], 1, -1) end
local out, bad, total = {id(last), id(floor), wide, 0}, 0, 0
if redis.call('HLEN', KEYS[1]) > 128 then
  redis.call('DEL', KEYS[1])
  bad = 1
end
for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
  local v = 'v' .. string.sub(f, 2)
  if string.sub(f, 1, 1) == 'm' then
    local size, began, hard, soft = redis.call('HSTRLEN', KEYS[1], v), nil
    local sound = redis.call('HSTRLEN', KEYS[1], f) <= 8192 and size > 0 and size <= tonumber(ARGV[3])
    if sound then
      local m = redis.call('HGET', KEYS[1], f)
      began, hard, soft = purges(ARGV[1], m)
      if began and began <= last and began >= floor and hard <= began then
        total = total + size
        if total <= tonumber(ARGV[4]) then
          if soft <= began then soft = 0 end
          out[#out + 1] = {string.sub(f, 2), m, id(soft), redis.call('HGET', KEYS[1], v)}
        end
      else
        redis.call('HDEL', KEYS[1], f, v)
      end
    else
      redis.call('HDEL', KEYS[1], f, v)
      bad = bad + 1
    end
  end
end
out[4] = bad
return out`)

// KEYS: answers, log, wide. ARGV: prefix of targets, the last purge when the answer was asked for, name of the variant, meta, value,
// milliseconds, most variants. The answer: 1, or 0 if it was purged meanwhile, or may have been.
var saveScript = redis.NewScript(3, prelude+`
local last, floor = begin(KEYS[2], KEYS[3])
local began, ms = tonumber(ARGV[2]), tonumber(ARGV[6])
if began > last or began < floor then return 0 end
local recent
local function purgedSince(t)
  if began == last then return false end
  if began < first(KEYS[2], 0) then return true end
  recent = recent or redis.call('LRANGE', KEYS[2], 0, -1)
  for i = #recent, 1, -1 do
    if tonumber(string.sub(recent[i], 1, 16)) <= began then return false end
    if string.sub(recent[i], 18, 17 + #t) == t then return true end
  end
  return false
end
local rest = string.match(ARGV[4], '^%d+ %x+ %x+( [%x ]+)$')
for t in string.gmatch(rest, '%x+') do
  local key = ARGV[1] .. t
  if redis.call('HEXISTS', key, '') == 0 then
    local since = ARGV[2]
    if purgedSince(t) then since = id(last) end
    redis.call('DEL', key)
    redis.call('HSET', key, '', since .. ' ' .. since)
    redis.call('PEXPIRE', key, ms + 60000)
  end
end
local b, hard = purges(ARGV[1], ARGV[4])
if not b or hard > b then return 0 end
redis.call('HSET', KEYS[1], 'm' .. ARGV[3], ARGV[4], 'v' .. ARGV[3], ARGV[5])
if redis.call('HLEN', KEYS[1]) > 2 * tonumber(ARGV[7]) then
  local oldest, age
  for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(f, 1, 1) == 'm' and f ~= 'm' .. ARGV[3] then
      local b = string.sub(redis.call('HGET', KEYS[1], f), 1, 16)
      if not age or b < age then oldest, age = f, b end
    end
  end
  redis.call('HDEL', KEYS[1], oldest, 'v' .. string.sub(oldest, 2))
end
for t in string.gmatch(rest, '%x+') do extend(ARGV[1] .. t, ms + 60000) end -- after HSET, which a server that is full refuses
extend(KEYS[1], ms)
redis.call('HLEN', KEYS[1]) -- this connection goes on to be told of changes
return 1`)

// KEYS: answers. ARGV: name of a variant, its meta, or nothing: whatever it is. The connection goes on to be told of changes.
var dropScript = redis.NewScript(1, `
if ARGV[2] == '' or redis.call('HGET', KEYS[1], 'm' .. ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[1], 'm' .. ARGV[1], 'v' .. ARGV[1])
end
return redis.call('HLEN', KEYS[1])`)

// KEYS: log, wide, target. ARGV: "target", "wide" or "all", "soft" or "hard", hash of the target, payload, channel, most purges of the log,
// most wide ones, scopes... The answer: its id.
var purgeScript = redis.NewScript(3, prelude+`
local now = fresh((begin(KEYS[1], KEYS[2])))
local at = id(now)
if ARGV[1] == 'target' then
  local ms = 3600000
  if redis.call('HEXISTS', KEYS[3], '') == 0 then
    redis.call('DEL', KEYS[3])
    redis.call('HSET', KEYS[3], '', at .. ' ' .. at)
  else
    for i = 8, #ARGV do
      local old = redis.call('HGET', KEYS[3], ARGV[i]) or string.rep('0', 16) .. ' ' .. string.rep('0', 16)
      local new = at .. string.sub(old, 17)
      if ARGV[2] == 'soft' then new = string.sub(old, 1, 17) .. at end
      redis.call('HSET', KEYS[3], ARGV[i], new)
    end
    if redis.call('HLEN', KEYS[3]) > 64 then
      ms = math.max(ms, redis.call('PTTL', KEYS[3]))
      redis.call('DEL', KEYS[3])
      redis.call('HSET', KEYS[3], '', at .. ' ' .. at)
    end
  end
  extend(KEYS[3], ms)
elseif ARGV[1] == 'wide' then
  redis.call('RPUSH', KEYS[2], at .. ' ' .. ARGV[4])
  if redis.call('LLEN', KEYS[2]) > tonumber(ARGV[7]) + 1 then
    redis.call('LPOP', KEYS[2])
    local floor = string.sub(redis.call('LPOP', KEYS[2]), 1, 16)
    redis.call('LPUSH', KEYS[2], floor)
  end
else
  redis.call('DEL', KEYS[2])
  redis.call('RPUSH', KEYS[2], at)
end
redis.call('RPUSH', KEYS[1], at .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[6]), -1)
redis.call('PUBLISH', ARGV[5], at .. ' ' .. ARGV[4])
return at`)

// KEYS: log, wide. ARGV: the last purge that the caller knows; empty: none. The answer: the last purge, 1 if purges after that are not known any
// more, else 0, the id of the oldest that is, and those after it: "ID TARGET PAYLOAD".
var sinceScript = redis.NewScript(2, prelude+`
local last = begin(KEYS[1], KEYS[2])
local known, oldest = tonumber(ARGV[1]) or 0, first(KEYS[1], 0)
local lost = 0
if known < oldest or known > last then lost = 1 end
local out = {id(last), lost, id(oldest), {}}
for _, e in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if lost == 1 or tonumber(string.sub(e, 1, 16)) > known then out[4][#out[4] + 1] = e end
end
return out`)

// KEYS: answers. The key goes, whatever its type. The connection goes on to be told of changes.
var removeScript = redis.NewScript(1, `
redis.call('UNLINK', KEYS[1])
return redis.call('EXISTS', KEYS[1])`)

// KEYS: lock, answers. ARGV: token, milliseconds. The answer: whether it is the caller's, and whether there are answers. If it is
// not, the caller's connection is told of its end, and of answers.
var lockScript = redis.NewScript(2, `
local mine = 0
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then mine = 1 end
redis.call('EXISTS', KEYS[1])
return {mine, redis.call('EXISTS', KEYS[2])}`)

// KEYS: lock. ARGV: token.
var unlockScript = redis.NewScript(1, `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)
