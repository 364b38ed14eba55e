// Package cachestore is the tier of the HTTP cache in a Redis or Valkey server, which several machines share.
//
//	store.go    Store, Options: a cache.Tier; answers are loaded, stored and removed
//	value.go    what is written: answers, their metas, ids of purges, orders
//	names.go    names: the keys
//	scripts.go  the scripts, which decide in the server
//	reply.go    what the scripts answer
//	change.go   change, queue: purges and removals, and those that wait for the server
//	past.go     which purges an answer is older than
//	peer.go     peer: the server, as this process is connected to it, and what was missed meanwhile
//	link.go     link: the connections; the subscriber is told of changes
//	lane.go     lane: the connections that ask
//	lock.go     which machine asks the app
//	stats.go    Stats
//
// Object graph: Store -> peer -> link -> lane.
//
// # Keys
//
// All keys begin with {PREFIX1}: one hash tag, so that a node of a cluster would have them all; 1 is the format of the values.
//
//	a:KEY     a hash: for each variant its meta, and its answer with a checksum
//	l:KEY     a lock: a token, with an expiry
//	t:TARGET  a hash: the last purges of a path or a group, for all and for narrower scopes
//	log       a list of the last 1000 purges
//	wide      a list of the last 100 purges of prefixes and the like
//	purges:DB the channel on which purges are published
//
// Each purge has an id, a time of the server that only grows. An answer has the id of the last purge that its machine knew when it
// asked the app, so no clock of a machine counts. It is valid while no later purge names it: the script that loads it compares its
// id with those of its path, its groups and the wide purges. A purge costs one small write so, however much it ends, and what it
// ends is removed when it is loaded, or expires. A fetch that began before a purge and ends after it is not stored.
//
// Redis may evict any key: a target, log or wide purge that is missing counts as purged now. An answer is found in one round trip;
// what is larger than 1 MiB is not stored. It expires some time after it is fresh no more (Options.Stale): it may be validated, or
// served while the app is down.
//
// # Near copies
//
// The memory of a server keeps what it has loaded. CLIENT TRACKING tells it of each change of such a key: each key is read in one of
// eight connections (NOLOOP: a process is not told of its own changes), and one more connection is subscribed to the changes, and to
// the purges. RESP2 has this, too, which is what redigo speaks. After another machine has stored or purged an answer, a client of
// this one gets the former one for as long as the message is under way: about half a round trip. When the connections are lost,
// memory is not trusted any longer (cache.Watcher): each hit is compared with the server before it is used. A connection that ends
// without a word is noticed after three seconds; for so long a client may get what was purged on another machine. While the server
// itself cannot be asked, the memory is used alone, as it is, and purges of other machines reach it when the server is back.
//
// # While the server is away
//
// A request waits at most 200 ms: 100 ms for a connection, and 100 ms for the answer. While one has waited in vain, all others go on
// at once, until its answer has come; after three seconds without it, or when a connection ends, the server is away, which is said
// once. Purges and removals of this time are kept (1024; beyond that all is purged) and are made before anything else is asked of
// the server when it is back: on this machine no purged page comes back. Another machine that is connected sooner may use one until
// then, for about a second. They are lost if the process ends before.
//
// A server that comes back empty has no log: everything that is older is dropped, also in memory and in files.
//
// The server is trusted no more than a file: values have lengths and checksums, are compared with their key, and a damaged one
// counts as none and is removed. The script refuses values above the bounds, so that no memory is taken for them.
//
// Goroutines: the circuit has one while the server is away; each link has one that receives, one that asks whether the subscriber is
// connected, and one in each lane. Close ends all and waits.
package cachestore
