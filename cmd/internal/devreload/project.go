package devreload

import (
	"context"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

const (
	// mostFiles bounds what is looked at for one request; of further files the file system's events tell.
	mostFiles = 2000
	// ignored is in how many boots in a row a file may change within ownWrites of their beginning. Then the app itself is taken for
	// the cause, and what happens to the file during a boot counts no more.
	ignored   = 10
	ownWrites = 5 * time.Second
	// slowLook is a look that takes so long that the next one comes after a rest of ten times as long: a network
	// file system.
	slowLook = 10 * time.Millisecond
)

// project is one app whose requests wait while its code changes.
type project struct {
	app     App
	ignored func(path string) // is told such a file

	slowLook, calmGone time.Duration // those below; tests on busy machines have more

	looks   atomic.Int64 // that have begun
	looking sync.Mutex   // held by the look that runs
	rested  time.Time    // under looking: no look before

	mu      sync.Mutex
	files   map[string]*tracked
	noted   int           // changes
	covered int           // those of them that the last boot that has ended has seen
	cause   string        // the file of the last change
	began   time.Time     // the last boot
	over    time.Time     // its end; zero while it runs
	decided bool          // a worker was ready once, or the first boot has failed
	served  bool          // a worker was ready once
	failure error         // of the last boot; nil: it serves
	newest  int           // the highest generation of which a worker was ready, or that has failed
	clears  int           // the least generation whose worker ends failure
	watched bool          // Run runs
	version int           // counts what State tells
	changed chan struct{} // closed at each change of what is above
}

// tracked is one file.
type tracked struct {
	stamp
	boots int       // boots in a row during which it has changed
	boot  time.Time // the beginning of the last one of them
	noted int       // the number of its last change; 0: none
}

func newProject(app App, ignored func(path string)) *project {
	h := &project{app: app, ignored: ignored, slowLook: slowLook, calmGone: calmGone, files: map[string]*tracked{}, began: time.Now(), changed: make(chan struct{})}
	for _, path := range app.Files {
		h.track(filepath.Clean(path))
	}
	return h
}

// tell wakes all who wait. mu is held.
func (h *project) tell() {
	h.version++
	close(h.changed)
	h.changed = make(chan struct{})
}

// count counts a change. mu is held.
func (h *project) count(path string, t *tracked) {
	at := t.changed()
	booting := h.over.IsZero() || at > h.began.UnixNano() && at < h.over.UnixNano()
	switch {
	case !booting: // a person, whatever was before
		t.boots = 0
	case t.boots == ignored:
		return
	case t.boot.Equal(h.began): // the same boot: an editor writes a file in several steps
	case at-h.began.UnixNano() > int64(ownWrites):
		t.boots = 0
	default:
		if t.boots, t.boot = t.boots+1, h.began; t.boots == ignored {
			h.ignored(path)
			return
		}
	}
	h.noted++
	t.noted, h.cause = h.noted, path
	h.tell()
}

// track adds a file that the app has read. One that has changed since the boot began may be read or not: that is a change.
func (h *project) track(path string) {
	s := stampOf(path)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.files[path] != nil || len(h.files) >= mostFiles {
		return
	}
	t := &tracked{stamp: s}
	h.files[path] = t
	if s.changed() > h.began.UnixNano() {
		h.count(path, t)
	}
}

// update takes the present state of a file of which the file system has told. It may be a new one.
func (h *project) update(path string) {
	s := stampOf(path)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.files[path]
	switch {
	case t == nil:
		t = &tracked{}
		if len(h.files) < mostFiles {
			h.files[path] = t
		}
	case t.stamp == s:
		return
	}
	t.stamp = s
	h.count(path, t)
}

// look compares all files with what they were, and returns the number of changes so far. A look that has begun after the call does as well.
func (h *project) look() int {
	before := h.looks.Load()
	h.looking.Lock()
	defer h.looking.Unlock()
	if h.looks.Load() == before && time.Now().After(h.rested) {
		h.looks.Add(1)
		h.compare()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.noted
}

// compare is one look.
func (h *project) compare() {
	h.mu.Lock()
	paths := slices.Collect(maps.Keys(h.files))
	h.mu.Unlock()
	began := time.Now()
	now := make([]stamp, len(paths))
	for i, path := range paths {
		now[i] = stampOf(path)
	}
	if took := time.Since(began); took > h.slowLook {
		h.rested = time.Now().Add(10 * took)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, path := range paths {
		if t := h.files[path]; t.stamp != now[i] {
			t.stamp = now[i]
			h.count(path, t)
		}
	}
}

// Calm is how long nothing may change before a boot begins: an editor writes a file in several steps, and two changes within one tick of
// the file system's clock look the same. A file that is gone for a moment is being replaced.
const (
	calm        = 30 * time.Millisecond
	calmGone    = 150 * time.Millisecond
	calmAtMost  = 3 * time.Second
	betweenLook = 10 * time.Millisecond
)

// settle waits until nothing changes any more, and begins a boot: it returns the changes that the boot will see, and the file of the last one.
func (h *project) settle(ctx context.Context) (noted int, cause string) {
	began, last := time.Now(), time.Now()
	noted = h.look()
	for time.Since(began) < calmAtMost {
		want := calm
		if h.isGone() {
			want = h.calmGone
		}
		if time.Since(last) >= want {
			break
		}
		select {
		case <-time.After(betweenLook):
		case <-ctx.Done():
			return noted, ""
		}
		if n := h.look(); n != noted {
			noted, last = n, time.Now()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began, h.over = time.Now(), time.Time{}
	h.tell()
	return h.noted, h.cause
}

// isGone says whether a file that has changed does not exist.
func (h *project) isGone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.files {
		if t.gone && t.noted > h.covered {
			return true
		}
	}
	return false
}

// ended takes the result of the boot that has seen so many changes.
func (h *project) ended(noted int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over, h.decided, h.covered = time.Now(), true, noted
	if err == nil {
		h.failure, h.served = nil, true
	} else {
		h.fail(err, h.newest+1)
	}
	h.tell()
}

// fail takes a failure, which a worker of generation clears, or of a later one, ends. mu is held.
func (h *project) fail(err error, clears int) {
	if h.failure == nil || h.clears <= clears {
		h.failure, h.clears = err, clears
	}
}

// ready: a worker of a generation takes requests.
func (h *project) ready(generation int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest = max(h.newest, generation)
	if !h.served && h.over.IsZero() && h.noted == 0 {
		h.over = time.Now() // the first boot
	}
	h.decided, h.served = true, true
	if h.failure != nil && generation >= h.clears {
		h.failure = nil
	}
	h.tell()
}

// bootFailed: a worker did not boot. It matters while none has been ready; later one may fail for reasons of its own.
func (h *project) bootFailed(e supervisor.BootFailure) {
	h.mu.Lock()
	first := !h.served
	if first {
		h.decided = true
		if h.over.IsZero() && h.noted == 0 {
			h.over = time.Now()
		}
		h.newest = max(h.newest, e.Generation)
		h.fail(&e, e.Generation)
		h.tell()
	}
	h.mu.Unlock()
	if first {
		h.trackFailure(&e)
	}
}

// reloadFailed: the workers of a generation did not boot.
func (h *project) reloadFailed(e supervisor.ReloadFailed) {
	h.mu.Lock()
	h.newest = max(h.newest, e.Generation)
	h.fail(&e, e.Generation+1)
	h.tell()
	h.mu.Unlock()
	h.trackFailure(&e.BootFailure)
}

var tracebackFile = regexp.MustCompile(`(?m)^ *File "(/[^"\n]+)", line \d`)

// trackFailure adds the files that a traceback names: a module that could not be imported is in no list of modules.
func (h *project) trackFailure(e *supervisor.BootFailure) {
	if e.Failed == nil {
		return
	}
	var paths []string
	if filepath.IsAbs(e.Failed.File) {
		paths = append(paths, e.Failed.File)
	}
	for _, m := range tracebackFile.FindAllStringSubmatch(e.Failed.Traceback, 100) {
		paths = append(paths, m[1])
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if isOwn(path) {
			h.track(filepath.Clean(path))
		}
	}
}

// isOwn says whether a file belongs to the app rather than to an installed package.
func isOwn(path string) bool {
	return !strings.Contains(path, "/site-packages/") && !strings.Contains(path, "/dist-packages/") && !strings.Contains(path, "/lib/python3")
}
