// Package cache is the HTTP cache (RFC 9111): a stage around an app or a route that answers from
// memory, or from the stores behind it, and asks the next handler only where it must.
//
// Object graph:
//
//	Cache -> memory, Tier, saver      what all stages share
//	Cache -> flights -> flight        the fetches that are under way
//	flight -> sink -> transfer        the response of a fetch, from the handler to its clients
//	stage -> request -> flight        one app's stage; one of its requests
//	Set -> Answer -> Body             what is stored for one Key
//
// Files:
//
//	cache.go     Cache, Options: what all stages share
//	stage.go     StageOptions, Rule: the stage of one app or route
//	key.go       what a request asks for: its Key and its URL
//	special.go   fields that frameworks believe, and those that say who the client is
//	request.go   request: which stored answer there is, and what is done
//	ask.go       a request that asks the app: joining a fetch, or leading one
//	follower.go  follower: a request that waits for a fetch; stale answers instead of failures
//	serve.go     responses from stored answers; conditions and ranges
//	prepared.go  the head of a hit, as lines that are made once
//	direct.go    requests that pass, and what those that change something invalidate
//	flight.go    flight, flights: who waits for which fetch
//	verdict.go   verdict, step: what the head of a fetch means, pure
//	fetch.go     the fetch itself: the request that the handler gets, what its head means
//	sink.go      sink: the ResponseWriter of a fetch
//	transfer.go  transfer: a body between the handler and the clients
//	store.go     keeping, freshening and loading answers
//	saver.go     saver: storing in the tiers
//	use.go       how an answer is used: early refresh, failures
//	answer.go    Key, Answer, Set
//	body.go      Body: the content of an Answer; Stored: one in a Tier
//	encode.go    an Answer without its Body as bytes, for tiers
//	memory.go    the memory
//	passes.go    keys whose answers are not stored
//	tier.go      Tier, Creator: stores behind the memory; tiers: those of a Cache
//	elsewhere.go who of several servers fetches
//	shared.go    Notifier, Watcher, Locker: a Tier that several servers use, and when memory can be trusted then
//	purge.go     Purge: what is removed
//	explain.go   Explain: what a stage makes of a request, in words
//	purges.go    Purges: what one order names
//	method.go    the stage of PURGE
//	stats.go     Stats
//
// # A fetch
//
// A fetch is detached from its client: the handler gets a copy of the request and writes into a
// transfer, from which the first client and those that wait for the same answer read, each at its
// own speed. The head of the response decides (verdict). One that may be stored is kept as it comes
// and stored at its end; others may read it. One that may not is the first client's alone, the
// handler is a window ahead of it at most, and the key is remembered for a while: its requests pass
// without a copy. A fetch that no client waits for ends, unless its response is stored.
//
// # Goroutines
//
// Each flight has one, which ends with the handler; Cache.Close cancels and awaits them. The saver
// has a few when there are tiers; Close ends and awaits them. No lock is held during I/O.
//
// What is not here: what RFC 9111 says (package rules, which is pure).
package cache
