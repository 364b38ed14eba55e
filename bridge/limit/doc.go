// Package limit bounds how many requests a client, or any other key, may send in a time, and how
// many of its requests may run at the same time.
//
//	gcra.go       Rate, Verdict: the algorithm, pure
//	rate.go       ParseRate: "10/s"
//	key.go        Key: what is counted, as a hash and as a text
//	hash.go       secret: the hash of keys
//	table.go      table: one number for each key, in bounded memory
//	inflight.go   inflight: how many requests of each key run
//	state.go      State: what a limit remembers, beyond reloads
//	keep.go       Encode, Restore: what another process goes on with, in an upgrade
//	stage.go      Options, New: the stage of one limit
//	shared.go     limits that several servers count together
//	wait.go       the requests above the rate that wait
//	refuse.go     the answer to a refused request, and its record
//	offenders.go  Offenders, BanOptions: clients that are denied altogether
//	scanner.go    Scanners: the stage for paths that only scanners ask for
//	paths.go      Paths; scanners.txt has the built-in ones
//
// The algorithm is GCRA, the generic cell rate algorithm (ITU-T I.371): a key is one number, the
// time at which it is as if it had never sent a request. With an interval of 1/rate between
// requests, each one moves this time by an interval; a request is allowed while the time is no
// more than burst intervals ahead of now.
//
// # Memory
//
// A key takes a slot of 16 bytes: a hash with a secret, which the process of an upgrade gets, and its
// time. Slots are in buckets of eight, buckets in shards with a lock each. A shard
// grows when a bucket is full of keys that are still counted; at its largest the key of the bucket
// whose time is the earliest goes. Keys that are at their limit have the latest ones and so go
// last: to make room for one request more, a client would need enough other keys to fill the whole
// table within the time that its own key takes to be free again. A key whose time is over takes no
// room: it is as if it had never been there.
//
// Two keys with the same hash of 64 bits are one key. With a million keys the chance that there are
// any such two is 1 in 37 million.
//
// The package starts no goroutine: a request that waits does so in its own.
package limit
