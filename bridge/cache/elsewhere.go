package cache

import (
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
)

// elsewhere agrees with other servers which of them asks the app; true: another one has asked it, and what it has stored is the
// answer of f. It waits no longer than a request waits for the fetch of another one.
func (f *flight) elsewhere() bool {
	c := f.s.c
	shared := c.tiers.locker()
	if shared == nil || c.o.Wait <= 0 || f.query.NoCache {
		return false
	}
	end, done, err := shared.Lock(f.sink.ctx, f.key, c.o.Wait)
	if err != nil {
		return false
	}
	if done == nil {
		f.unlock = end
		return false
	}
	defer end()
	late := time.NewTimer(c.o.Wait)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	case <-f.sink.ctx.Done():
		return false
	}
	if f.look() {
		return true
	}
	f.began = time.Now()
	return false
}

// look takes what another server has stored; false: nothing that can be used.
func (f *flight) look() bool {
	list, own := f.s.c.load(f.sink.ctx, f.key, nil)
	defer func() {
		for _, a := range own {
			a.Body.Close()
		}
	}()
	now := time.Now()
	for _, a := range list {
		if _, ok := a.Body.Memory(); !ok || f.stored != nil && a.ID == f.stored.ID || !rules.Matches(a.Vary, f.asked, &f.s.o.Settings) {
			continue
		}
		if rules.Decide(&f.query, &a.Terms, now, &f.s.o.Settings).Action == rules.Serve {
			f.decide(fetched, func() { f.answer = a })
			return true
		}
	}
	return false
}

// unlocked takes the lock out of f; nil: it has none. The saver ends it, as that takes the time of a question to the tier.
func (f *flight) unlocked() (end func()) {
	end, f.unlock = f.unlock, nil
	return end
}
