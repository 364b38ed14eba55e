package cachestore

import (
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// wides are the purges that no target says: of a prefix, and of all softly or of some apps.
type wides struct {
	mu   sync.Mutex
	last string // the newest, as the server has it; empty: none is known
	list []widePurge
}

type widePurge struct {
	id    id
	purge cache.Purge
}

// known is what is known of them. The server is told the newest, and answers with all if that is another one.
func (w *wides) known() (newest string, list []widePurge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.list
}

// learn reads what the server has answered.
func (w *wides) learn(floor id, entries [][]byte) []widePurge {
	list := make([]widePurge, 0, len(entries))
	last := floor.String()
	for _, e := range entries {
		last = string(e)
		i, rest, ok := parseID(e)
		if !ok || len(rest) == 0 {
			continue
		}
		p, _, ok := parseOrder(rest[1:])
		if !ok {
			p = cache.Purge{All: true} // it may have named anything
		}
		list = append(list, widePurge{i, p})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.list = last, list
	return list
}

// judge is what the wide purges leave of an Answer; nil: nothing. soft is its last soft purge by a target; 0: none.
func judge(a *cache.Answer, began, soft id, list []widePurge) *cache.Answer {
	for i := range list {
		w := &list[i]
		if w.id <= began || !w.purge.Matches(a.App, a.URL, a.Groups) {
			continue
		}
		if !w.purge.Soft {
			return nil
		}
		soft = max(soft, w.id)
	}
	if soft > 0 {
		at := soft.time()
		if now := time.Now(); at.After(now) {
			at = now
		}
		return a.Staled(at)
	}
	return a
}

// past is what this process knew of the server's purges, and when: it says which of them an Answer is older than, by this machine's clock.
type past struct {
	mu   sync.Mutex
	list []known // the oldest first
}

type known struct {
	since time.Time
	id    id
}

// mostKnown bounds it. An Answer that was asked for before is not shared.
const mostKnown = 4096

// learn: the purge i is known now.
func (p *past) learn(i id, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.list)
	if n > 0 && i <= p.list[n-1].id {
		return
	}
	if n == mostKnown {
		p.list = append(p.list[:0], p.list[n/2:]...)
	}
	p.list = append(p.list, known{now, i})
}

// forget: the server knows nothing of them any more.
func (p *past) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = nil
}

// at is the last purge that was known at a time; 0: none, or it is forgotten.
func (p *past) at(t time.Time) id {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.list) - 1; n >= 0; n-- {
		if !p.list[n].since.After(t) {
			return p.list[n].id
		}
	}
	return 0
}
