package redis

import goredis "github.com/redis/go-redis/v9"

// All scripts keep to keys with one hash tag, so that they run in a Cluster. What those of entries refuse to do under maxmemory
// they refuse before they have changed anything.

// enter finds out the epoch of a bucket, which it makes anew if there is none, and the server's time: what it takes to put.
//
//	keys: epoch. Arguments: an epoch in case there is none, how long an epoch is kept.
const enterSource = `
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch, 'PX', ARGV[2])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local now = redis.call('TIME')
`

var enterScript = goredis.NewScript(enterSource + `return {epoch, now[1], now[2]}`)

// lease is enter, and takes the lease unless somebody has it: then it says who, and for how long.
//
//	keys: epoch, lease. Arguments: those of enter, token, how long the lease lasts.
var leaseScript = goredis.NewScript(enterSource + `
if redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[4]) then
  return {epoch, now[1], now[2], '', 0}
end
return {epoch, now[1], now[2], redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[2])}
`)

// put sets a value, unless the lease that it is put under was lost or the bucket has another epoch. It is told by the server's clock
// when the value expires, so a command that waited in a network or in a stopped server makes no old entry young. It ends the lease.
//
//	keys: epoch, value, lease. Arguments: epoch, value, when it expires in ms, token or nothing, channel.
var putScript = goredis.NewScript(`
local leased = ARGV[4] ~= ''
if leased and redis.call('GET', KEYS[3]) ~= ARGV[4] then
  return 0
end
local done = 0
if redis.call('GET', KEYS[1]) == ARGV[1] then
  done = redis.pcall('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
end
if leased then
  redis.call('DEL', KEYS[3])
  redis.call('PUBLISH', ARGV[5], '')
end
if type(done) == 'table' and done.err then
  redis.call('DEL', KEYS[2])
  return done
end
return 1
`)

// release ends a lease that is still the caller's.
//
//	keys: lease. Arguments: token, channel.
var releaseScript = goredis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', ARGV[2], '')
end
return 1
`)

// renewSource keeps up a lease that is still the caller's, and tells whether it is.
//
//	keys: lease. Arguments: token, how long it lasts.
const renewSource = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`

// beginSource and endSource change a tag's version, before and after a write. They must not be refused where reads are not, or
// readers would go on to believe what is being changed. Under maxmemory Redis refuses what takes memory, but not to delete, and
// nothing of a script that has written already: so each of them deletes first.
//
//	keys: version, writers. Arguments: writer, the new version, how long it is kept.
const (
	changeSource = `
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
`
	beginSource = changeSource + `redis.call('SADD', KEYS[2], ARGV[1]) return 1`
	endSource   = changeSource + `redis.call('SREM', KEYS[2], ARGV[1]) return 1`
)

// readSource reads a tag at one moment, where that can't be done by the order of commands: in a Cluster, whose redirections may
// change it. It deletes what is never there, so that it is refused where Redis takes no writes.
//
//	keys: version, writers, what is never there. Arguments: a version in case there is none, how long it is kept.
const readSource = `
redis.call('DEL', KEYS[3])
local version = redis.call('GET', KEYS[1])
if not version then
  version = ARGV[1]
  redis.call('SET', KEYS[1], version, 'PX', ARGV[2])
end
return {version, redis.call('EXISTS', KEYS[2]), redis.call('INFO', 'replication')}
`
