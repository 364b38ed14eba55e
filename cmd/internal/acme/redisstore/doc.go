// Package redisstore keeps certificates, accounts and locks in Redis or Valkey, so that several machines share them: it is a
// storage of certmagic.
//
//	store.go    Store: values, and an index of their keys
//	lock.go     locks, which expire with their holder
//	scripts.go  the changes that are atomic, in Lua
//
// A value is a hash {v, m}: its bytes, and when it was written (milliseconds). All keys are members of one sorted set, the index, in
// the order of their bytes: a folder is a range of it.
//
// A lock is a key with an expiry, whose value is a random token. Its holder extends it; when the holder dies, it expires. A holder
// that could not extend it for so long has lost it, and the log says so.
//
// The client is redigo: a client with a builder for each command added 9 MB to the program, as long as text/template was in it and kept
// the linker from leaving methods out. A dozen commands a day need no pipelines. Sentinels and clusters are not supported; the package
// redisurl refuses their URLs.
//
// Goroutines: one for each lock that is held; Unlock or Close ends it and waits for it. redigo has one for each command with a
// context; it ends with the command, at the latest after the timeout of its answer.
package redisstore
