package disk

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// The times of the keeper.
const (
	lockPause  = 500 * time.Millisecond // between two attempts to get a folder that another process has
	openPause  = 10 * time.Second       // between two attempts to open one that cannot be opened
	tendPause  = time.Second            // between two looks at what is to be done
	sweepPause = time.Minute            // between two searches for files that are of no use any more
)

// keeper opens the folder, reads what is in it, and removes files for which there is no room. It is
// the one goroutine of a Tier.
type keeper struct {
	t       *Tier
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	work    chan struct{} // of capacity 1: files are to be removed
	told    httpx.LogLimiter
}

func newKeeper(t *Tier) *keeper {
	k := &keeper{t: t, work: make(chan struct{}, 1), told: httpx.LogLimiter{Every: time.Hour}}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	return k
}

func (k *keeper) start() { k.running.Go(k.run) }

// poke says that there is work.
func (k *keeper) poke() {
	select {
	case k.work <- struct{}{}:
	default:
	}
}

// stop ends the goroutine and waits for it.
func (k *keeper) stop() {
	k.cancel()
	k.running.Wait()
}

func (k *keeper) run() {
	for k.ctx.Err() == nil {
		f := k.open()
		if f == nil {
			return
		}
		k.t.folder.Store(f)
		if k.fill(f) {
			k.tend(f)
		}
		k.t.folder.Store(nil)
		k.t.known.reset()
		f.close()
	}
}

// open opens and locks the folder, as soon as that can be done; nil: the Tier was closed.
func (k *keeper) open() *folder {
	for {
		f, err := openFolder(k.t.o.Dir)
		if err == nil {
			return f
		}
		pause := openPause
		switch now := time.Now(); {
		case errors.Is(err, errBusy):
			pause = lockPause
			if k.told.Allow("busy", now) {
				k.t.o.Log.Info("cache_dir_busy", "dir", k.t.o.Dir)
			}
		case k.told.Allow(err.Error(), now):
			k.t.o.Log.Warn("cache_dir_unusable", "dir", k.t.o.Dir, "error", err)
		}
		if !k.wait(pause) {
			return nil
		}
	}
}

// wait reports whether the Tier is still open after d.
func (k *keeper) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.ctx.Done():
		return false
	}
}

// fill puts all files into the index: first their names, from when on they are found, and then what
// their heads say. It reports whether the folder is still to be used.
func (k *keeper) fill(f *folder) bool {
	began, t := time.Now(), k.t
	f.sweep()
	for shard := range shards {
		err := k.names(f, byte(shard))
		if k.ctx.Err() != nil {
			return false
		}
		if err != nil && k.told.Allow(err.Error(), time.Now()) {
			t.o.Log.Warn("cache_dir_unusable", "dir", t.o.Dir, "error", err)
		}
	}
	for chunk := 0; ; chunk++ {
		names := t.known.unread(chunk)
		if names == nil {
			break
		}
		for _, n := range names {
			if k.ctx.Err() != nil {
				return false
			}
			k.read(f, n)
			k.evict(f)
		}
	}
	t.known.complete.Store(true)
	s := t.Stats()
	t.o.Log.Info("cache_dir_read", "dir", t.o.Dir, "files", s.Files, "bytes", s.Bytes, "took", time.Since(began))
	return true
}

// names adds the names of a sub-folder. Those above the bound are removed.
func (k *keeper) names(f *folder, shard byte) error {
	defer spool.Disk()()
	t := k.t
	return f.list(shard, func(list []name) {
		for _, n := range t.known.addNames(list) {
			_ = f.root.Remove(n.path())
		}
	})
}

// read reads the head of a file, and removes one that is damaged or of no use.
func (k *keeper) read(f *folder, n name) {
	t := k.t
	a, length, err := readHeadOf(f, n)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.gone(f, n)
		return
	case err != nil:
		t.failed(n, [16]byte{}, err)
		return
	}
	e := t.known.describe(n, a, length)
	t.known.fill(n, e, false) // before the purges are looked at: those that come from now on know it
	if e.keep < uint32(time.Now().Unix()) || !t.valid(f, n, &a) {
		_, _ = t.drop(f, n, func(now *entry) bool { return now.at == e.at })
	}
}

// tend does what is to be done until the Tier is closed, or the folder is lost.
func (k *keeper) tend(f *folder) {
	ticker := time.NewTicker(tendPause)
	defer ticker.Stop()
	swept, looked := time.Now(), time.Now()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.work:
			k.evict(f)
		case now := <-ticker.C:
			k.sync(f)
			k.evict(f)
			if now.Sub(swept) >= sweepPause {
				swept = now
				k.sweep(f, now)
			}
			if now.Sub(looked) < openPause {
				continue
			}
			if looked = now; !f.same() {
				k.t.o.Log.Warn("cache_dir_unusable", "dir", k.t.o.Dir, "error", "the folder was removed, or another one is in its place")
				return
			}
		}
	}
}

// evict removes files until the others have room.
func (k *keeper) evict(f *folder) {
	t := k.t
	free := t.squeezed.Swap(0)
	for low := false; k.ctx.Err() == nil; low = true { // a little more, so that the next file finds room
		e, ok := t.known.victim(low, free > 0)
		if !ok {
			return
		}
		free -= int64(e.size)
		if done, _ := t.drop(f, e.name, func(now *entry) bool { return now.at == e.at }); done {
			t.counts.evicted.Add(1)
		}
	}
}

// sweep removes files that are of no use any more.
func (k *keeper) sweep(f *folder, now time.Time) {
	seconds := uint32(now.Unix())
	old := func(e *entry) bool { return e.flags&flagRead != 0 && e.keep < seconds }
	var list []name
	k.t.known.scan(func(e *entry) {
		if old(e) {
			list = append(list, e.name)
		}
	})
	for _, n := range list {
		if k.ctx.Err() != nil {
			return
		}
		_, _ = k.t.drop(f, n, old)
	}
}

// sync makes purges last.
func (k *keeper) sync(f *folder) {
	for shard := range shards {
		if k.t.unsynced[shard].Swap(false) {
			_ = f.sync(byte(shard))
		}
	}
}
