// Package cache is the HTTP cache (RFC 9111): a stage around an app or a route that answers from
// memory, or from the stores behind it, and asks the next handler only where it must.
//
// Object graph:
//
//	Cache -> Tier           what all stages share: the memory, the stores behind it
//	stage -> Cache          one app's or route's stage
//	Set -> Answer -> Body   what is stored for one Key
//
// Files:
//
//	cache.go     Cache, Options: what all stages share
//	stage.go     StageOptions, Rule: the stage of one app or route
//	answer.go    Key, Answer, Set
//	body.go      Body: the content of an Answer; Stored: one in a Tier
//	encode.go    an Answer without its Body as bytes, for tiers
//	memory.go    the memory
//	tier.go      Tier, Creator: stores behind the memory
//	shared.go    Notifier, Watcher, Locker: a Tier that several servers use, and when memory can be trusted then
//	purge.go     Purge: what is removed
//	stats.go     Stats
//
// What is not here: what RFC 9111 says (package rules, which is pure).
package cache
