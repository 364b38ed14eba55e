package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// The times after which the next file is written when one could not be.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

var (
	errAway   = errors.New("the cache has no folder now")
	errPaused = errors.New("the cache's folder takes no files")
)

// outage is a time in which files cannot be written: the disk is full, or read-only, or fails.
// Nothing is tried for a while, and then one file is.
type outage struct {
	dir   string
	log   hclog.Logger
	brief httpx.LogLimiter // of outages

	mu    sync.Mutex
	since time.Time // zero: there is none
	until time.Time // nothing is tried before
	pause time.Duration
	told  bool
}

// refused returns errPaused while nothing is tried.
func (o *outage) refused(now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() || !now.Before(o.until) {
		return nil
	}
	return errPaused
}

// failed is told that a file was not written. One record says so, for all of the outage.
func (o *outage) failed(err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since, o.pause, o.told = now, leastPause, o.brief.Allow("", now)
		if o.told {
			o.log.Warn("cache_dir_failed", "dir", o.dir, "error", err)
		}
	} else if !now.Before(o.until) { // others may have begun before the pause
		o.pause = min(2*o.pause, mostPause)
	}
	o.until = now.Add(o.pause)
}

// worked is told that a file was written.
func (o *outage) worked(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return
	}
	if o.told {
		o.log.Info("cache_dir_back", "dir", o.dir, "for", now.Sub(o.since))
	}
	o.since = time.Time{}
}

// wrote is told how the writing of a file of that many units has ended.
func (t *Tier) wrote(err error, units int64) {
	switch {
	case err == nil:
		t.writes.worked(time.Now())
		return
	case errors.Is(err, fs.ErrClosed): // the folder was given back meanwhile
		t.counts.dropped.Add(1)
		return
	case noSpace(err): // the disk is smaller than was thought, or others need it
		_, used := t.known.size()
		t.squeezed.Store(max(2*units, used/unit/16))
		t.keeper.poke()
	}
	t.counts.dropped.Add(1)
	t.writes.failed(fmt.Errorf("write: %w", err), time.Now())
}
