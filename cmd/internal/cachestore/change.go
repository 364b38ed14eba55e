package cachestore

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomodule/redigo/redis"

	"github.com/standpipe/standpipe/bridge/cache"
)

// The most purges that the server remembers.
const (
	mostLog  = 1000
	mostWide = 100
)

// change is a Purge, or the removal of a Key, that the server does not have yet.
type change struct {
	purge cache.Purge
	key   *cache.Key // nil: it is a Purge
}

// lane is where a change is made. A removal is made where the key is read, so that this process is not told of it.
func (c *change) lane() int {
	if c.key != nil {
		return laneOf(*c.key)
	}
	return 0
}

// script is what makes a change.
func (c *change) script(n names, self string) (*redis.Script, []any, error) {
	if c.key != nil {
		return removeScript, []any{n.key(answers, *c.key)}, nil
	}
	p := &c.purge
	payload, err := encodeOrder(p, self)
	if err != nil {
		return nil, nil, err
	}
	kind, soft, target, origin := "target", "hard", "-", p.Origin
	switch {
	case p.URL != "":
		var path string
		origin, path = split(p.URL)
		target = hash(kindPath, path)
	case p.Group != "":
		target = hash(kindGroup, p.Group)
	case c.everything():
		kind = "all"
	default:
		kind = "wide"
	}
	if p.Soft {
		soft = "soft"
	}
	args := []any{n.log(), n.wide(), n.target(target), kind, soft, target, payload, n.purges(), mostLog, mostWide}
	for _, scope := range scopes(p, origin) {
		args = append(args, scope)
	}
	return purgeScript, args, nil
}

// mostWaiting bounds the changes that wait for the server. Beyond that, all is purged when it is back.
const mostWaiting = 1024

// queue is the changes that were made while the server was away.
type queue struct {
	some     atomic.Bool // there are changes, or they are just being made
	mu       sync.Mutex
	list     []change
	applying sync.Mutex
}

// add adds a change.
func (q *queue) add(c change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = join(q.list, c)
	q.some.Store(true)
}

// join is list with c at its end, if it is not there.
func join(list []change, c change) []change {
	switch n := len(list); {
	case n > 0 && (list[0].everything() || reflect.DeepEqual(list[n-1], c)):
	case c.everything() || n >= mostWaiting:
		return []change{{purge: cache.Purge{All: true}}}
	default:
		return append(list, c)
	}
	return list
}

// everything reports whether c ends whatever is stored.
func (c *change) everything() bool {
	return c.key == nil && c.purge.All && !c.purge.Soft && len(c.purge.Apps) == 0
}

// apply has do make the changes in their order, and keeps those that could not be made. do returns how many of a list it has made.
func (q *queue) apply(do func([]change) (int, error)) error {
	q.applying.Lock()
	defer q.applying.Unlock()
	for {
		q.mu.Lock()
		list := q.list
		q.list = nil
		if len(list) == 0 {
			q.some.Store(false)
			q.mu.Unlock()
			return nil
		}
		q.mu.Unlock()
		for len(list) > 0 {
			n, err := do(list)
			if list = list[n:]; err != nil {
				q.restore(list)
				return err
			}
		}
	}
}

// restore puts changes before those that have come meanwhile.
func (q *queue) restore(list []change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list = slices.Clip(list)
	for _, c := range q.list {
		list = join(list, c)
	}
	q.list = list
}
