package redisstore

import "github.com/gomodule/redigo/redis"

// KEYS: value, index. ARGV: key, bytes, milliseconds.
var storeScript = redis.NewScript(2, `
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'm', ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1`)

// KEYS: value, index. ARGV: key, prefix of the keys of values, first and last of the folder's range.
var deleteScript = redis.NewScript(2, `
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
for _, k in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], ARGV[3], ARGV[4])) do
  redis.call('DEL', ARGV[2] .. k)
  redis.call('ZREM', KEYS[2], k)
end
return 1`)

// KEYS: value. The answer is when it was written, in milliseconds, and its length in bytes; nothing if there is none.
var statScript = redis.NewScript(1, `
local m = redis.call('HGET', KEYS[1], 'm')
if m then return {tonumber(m), redis.call('HSTRLEN', KEYS[1], 'v')} end
return {}`)

// KEYS: lock. ARGV: token, milliseconds.
var extendScript = redis.NewScript(1, `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`)

// KEYS: lock. ARGV: token.
var unlockScript = redis.NewScript(1, `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)
