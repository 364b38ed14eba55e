package disk

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Tier.
type Options struct {
	// Dir is the folder. It is made where there is none; one with files in it must be a cache's.
	Dir string
	// Size bounds the files; bytes on the disk.
	Size int64
	// Files bounds their number: each takes about 200 bytes of memory.
	Files int
	// Stale is how long after its end an Answer is kept at least, for it may be served stale.
	Stale time.Duration
	// Log gets cache_dir_failed and others; nil: no records are written.
	Log hclog.Logger
}

// Tier is the files of one folder. While there is no folder (another process has it, it cannot be
// read) nothing is found and nothing is stored; no method fails for that.
type Tier struct {
	o      Options
	folder atomic.Pointer[folder]
	writes outage
	broken httpx.LogLimiter // of cache_file_damaged
	keeper *keeper
	known  *catalog
	byName [shards]sync.Mutex // held to change the files of a sub-folder

	squeezed atomic.Int64 // units that are to be freed: the disk is full, or a file has no room
	unsynced [shards]atomic.Bool
	counts   counts
}

type counts struct{ damaged, evicted, dropped atomic.Int64 }

var (
	_ cache.Tier    = (*Tier)(nil)
	_ cache.Creator = (*Tier)(nil)
)

// New returns the Tier of a folder, which Start opens. It must be closed.
func New(o Options) *Tier {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	t := &Tier{o: o, known: newCatalog(&o), broken: httpx.LogLimiter{Every: time.Minute}}
	t.writes = outage{dir: o.Dir, log: o.Log, brief: httpx.LogLimiter{Every: time.Minute}}
	t.keeper = newKeeper(t)
	return t
}

// Start has the folder opened, by the goroutine of the Tier: as the user that this process has now.
func (t *Tier) Start() { t.keeper.start() }

// Name is cache.Tier's.
func (t *Tier) Name() string { return "disk" }

// Close ends the goroutine, waits for it, and gives the folder back. Bodies that are open stay so; other
// methods find and store nothing from then on.
func (t *Tier) Close() error {
	t.keeper.stop()
	return nil
}

// Ready is cache.Creator's.
func (t *Tier) Ready() bool { return t.folder.Load() != nil && t.writes.refused(time.Now()) == nil }

// Create is cache.Creator's.
func (t *Tier) Create() (*os.File, error) {
	f := t.folder.Load()
	if f == nil {
		return nil, errAway
	}
	if err := t.writes.refused(time.Now()); err != nil {
		return nil, err
	}
	file, err := f.loose()
	if err != nil {
		t.wrote(err, 0)
	}
	return file, err
}

// WriteFailed is cache.Creator's.
func (t *Tier) WriteFailed(err error) { t.wrote(err, 0) }

// Remove is cache.Tier's.
func (t *Tier) Remove(_ context.Context, k cache.Key) error {
	f := t.folder.Load()
	if f == nil {
		return nil
	}
	for _, n := range t.known.variants(half(k)) {
		if _, err := t.drop(f, n, nil); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a file, if there is an entry for which cond holds; nil: it always does.
func (t *Tier) drop(f *folder, n name, cond func(*entry) bool) (dropped bool, err error) {
	lock := &t.byName[n.shard()]
	lock.Lock()
	defer lock.Unlock()
	if !t.known.forget(n, cond) {
		return false, nil
	}
	return true, f.remove(n)
}

// Stats are the numbers of a Tier.
type Stats struct {
	// State is "ready"; "reading" while not all files are known; "paused" while none can be written;
	// "away" while there is no folder.
	State string
	// Files and Bytes are what there is, Limit the bound of the bytes.
	Files, Bytes, Limit int64
	// Damaged, Evicted and Dropped are how many files were damaged, went for want of room, and were
	// not written: for want of room, or because of errors.
	Damaged, Evicted, Dropped int64
}

// Stats returns the numbers of now.
func (t *Tier) Stats() Stats {
	s := Stats{
		State: "ready", Limit: t.o.Size,
		Damaged: t.counts.damaged.Load(), Evicted: t.counts.evicted.Load(), Dropped: t.counts.dropped.Load(),
	}
	switch {
	case t.folder.Load() == nil:
		s.State = "away"
	case t.writes.refused(time.Now()) != nil:
		s.State = "paused"
	case !t.known.complete.Load():
		s.State = "reading"
	}
	s.Files, s.Bytes = t.known.size()
	return s
}
