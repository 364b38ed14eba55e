package limitstore

import "github.com/gomodule/redigo/redis"

// KEYS: key. ARGV: microseconds between two requests, burst, delay, and 1 for a request or -1 to take
// one back. The answer is how far the key was ahead of now, in microseconds; limit.Rate.Judge makes
// the verdict of it by the same rule. Numbers stay below 2^53.
var script = redis.NewScript(1, `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, most = tonumber(ARGV[1]), ARGV[2] + ARGV[3]
local ahead = math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - now, 0)
local after = ahead + interval * ARGV[4]
if ahead > most * interval and after > ahead then return ahead end
if after > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
else
  redis.call('DEL', KEYS[1])
end
return ahead`)
