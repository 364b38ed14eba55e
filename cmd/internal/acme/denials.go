package acme

import (
	"sync"
	"time"
)

// denials are names that were denied a short time ago: clients that ask for them again get the same answer. Anybody can ask for any
// name, so their number is bounded.
type denials struct {
	mu   sync.Mutex
	list map[string]denial
}

type denial struct {
	err   error
	until time.Time
}

// maxDenials is how many names are remembered: about 3 MB.
const maxDenials = 10_000

// get returns the error of a name that is still denied.
func (d *denials) get(name string, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, ok := d.list[name]
	if ok && now.After(one.until) {
		delete(d.list, name)
		return nil
	}
	return one.err
}

// put remembers a name. When there are too many, any other one is forgotten.
func (d *denials) put(name string, err error, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil {
		d.list = map[string]denial{}
	}
	if _, known := d.list[name]; !known && len(d.list) >= maxDenials {
		for other := range d.list {
			delete(d.list, other)
			break
		}
	}
	d.list[name] = denial{err, until}
}
