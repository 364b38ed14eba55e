package devreload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

// Hold makes the requests of apps wait while their code changes, and reloads the apps. A request gets the code that is there when
// it comes, or the failure of that code.
//
// Each request has the files looked at that its app has read. So nothing depends on how soon the file system's events arrive, or on whether
// there are any.
type Hold struct {
	apps map[string]*project
	// patience is how long a request waits for a boot.
	patience time.Duration
}

// patience: a browser waits for an import of ten seconds, and is told about one that hangs.
const patience = 30 * time.Second

// StillStarting is the error of a request that has waited for a boot that has not ended.
type StillStarting struct {
	App   string
	Since time.Duration
}

func (e *StillStarting) Error() string {
	return fmt.Sprintf("the code of %q has changed, and has been starting for %v", e.App, e.Since.Round(time.Second))
}

// State is what an app is at one moment.
type State struct {
	Version int   // another one after each change
	Waits   bool  // code is being loaded: requests wait
	Failure error // why the present code does not start, as *supervisor.BootFailure, *supervisor.ReloadFailed or the problems of the configuration; nil: it does
}

// NewHold returns a Hold for apps that start now. ignored gets a file that changes whenever its app boots: it is looked at no more.
func NewHold(apps []App, ignored func(app, path string)) *Hold {
	h := &Hold{apps: map[string]*project{}, patience: patience}
	for _, a := range apps {
		h.apps[a.Name] = newProject(a, func(path string) { ignored(a.Name, path) })
	}
	return h
}

// Event takes the files that workers report, and what becomes of their boots. It is a subscriber of supervisor events.
func (h *Hold) Event(e supervisor.Event) {
	switch e := e.(type) {
	case supervisor.WorkerReady:
		if a := h.apps[e.App]; a != nil {
			a.ready(e.Generation)
		}
	case supervisor.BootFailure:
		if a := h.apps[e.App]; a != nil {
			a.bootFailed(e)
		}
	case supervisor.ReloadFailed:
		if a := h.apps[e.App]; a != nil {
			a.reloadFailed(e)
		}
	case supervisor.ShimLog:
		if a := h.apps[e.App]; a != nil {
			for path := range modules(e) {
				a.track(path)
			}
		}
	}
}

// Await returns when the code of the app serves that was there when it was called: nil. Otherwise its error is why that code
// does not, *StillStarting, or the error of ctx.
func (h *Hold) Await(ctx context.Context, app string) error {
	a := h.apps[app]
	if a == nil {
		return nil
	}
	noted := a.look()
	var late <-chan time.Time
	for {
		a.mu.Lock()
		ready, failure, changed, since := a.decided && a.covered >= noted || !a.watched, a.failure, a.changed, a.began
		a.mu.Unlock()
		if ready {
			return failure
		}
		if late == nil {
			timer := time.NewTimer(h.patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-changed:
		case <-late:
			return &StillStarting{app, time.Since(since)}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// State is that of an app, and a channel that is closed when it changes.
func (h *Hold) State(app string) (State, <-chan struct{}) {
	a := h.apps[app]
	if a == nil {
		return State{}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return State{Version: a.version, Waits: !a.decided || a.noted > a.covered, Failure: a.failure}, a.changed
}

// lookEvery is how often files are looked at while no request comes: there may be no events.
const lookEvery = time.Second

// Run reloads the apps whose code changes, until ctx ends and all reloads have ended; then no request waits any more. reload returns when the new code serves, or with why
// it does not; supervisor.ErrSuperseded when it was called again meanwhile.
func (h *Hold) Run(ctx context.Context, reload func(ctx context.Context, app, path string) error) {
	var all sync.WaitGroup
	for _, a := range h.apps {
		a.watch(true)
		all.Go(func() { a.run(ctx, reload) })
	}
	all.Wait()
}

// templates adds a template of the app; nil: h is.
func (h *project) templates() func(path string) {
	if h == nil {
		return nil
	}
	return h.track
}

func (h *project) watch(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched = on
	h.tell()
}

// run reloads the app, one boot after the other. A change ends the boot that runs.
func (h *project) run(ctx context.Context, reload func(ctx context.Context, app, path string) error) {
	defer h.watch(false)
	var reloads sync.WaitGroup
	defer reloads.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, dirty := h.dirty(); !dirty {
			h.idle(ctx, tick.C)
			continue
		}
		noted, path := h.settle(ctx)
		result := make(chan error, 1)
		reloads.Go(func() { result <- reload(ctx, h.app.Name, path) }) // ends with the reload
		for waits := true; waits; {
			changed, _ := h.dirty()
			if h.newer(noted) { // also by a look of this loop, which has closed the channel before
				break
			}
			select {
			case err := <-result:
				if waits = false; !errors.Is(err, supervisor.ErrSuperseded) {
					h.ended(noted, err)
				}
			case <-changed:
			case <-tick.C:
				h.look()
			case <-ctx.Done():
				return
			}
		}
	}
}

// idle waits for a change.
func (h *project) idle(ctx context.Context, tick <-chan time.Time) {
	changed, dirty := h.dirty()
	if dirty {
		return
	}
	select {
	case <-changed:
	case <-tick:
		h.look()
	case <-ctx.Done():
	}
}

// dirty says whether there is a change that no boot has seen, and returns a channel that is closed at the next change.
func (h *project) dirty() (changed <-chan struct{}, dirty bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed, h.noted > h.covered
}

// newer says whether there was a change after the one of that number.
func (h *project) newer(noted int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.noted > noted
}
