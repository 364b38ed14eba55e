package devreload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

// tick is longer than a tick of the clock that file systems use.
const tick = 20 * time.Millisecond

// holdRig is a Hold of one app whose reloads the test ends.
type holdRig struct {
	t       *testing.T
	hold    *Hold
	app     *project
	dir     string
	reloads chan chan error // each reload that begins
	ignored chan string

	mu      sync.Mutex
	running chan error // the last one
}

func newHoldRig(t *testing.T, files ...string) *holdRig {
	r := &holdRig{t: t, dir: t.TempDir(), reloads: make(chan chan error, 100), ignored: make(chan string, 10)}
	r.hold = NewHold([]App{{Name: "shop", Dir: r.dir, Files: []string{r.path(".env")}}}, func(_, path string) { r.ignored <- path })
	r.app = r.hold.apps["shop"]
	r.app.slowLook = time.Hour // whatever else the machine does
	for _, f := range files {
		r.write(f, "1")
	}
	time.Sleep(tick)
	r.app.began = time.Now()
	r.names(files...)
	r.hold.Event(supervisor.WorkerReady{Who: supervisor.Who{App: "shop", Generation: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		r.hold.Run(ctx, func(ctx context.Context, _, _ string) error {
			end := make(chan error, 1)
			r.mu.Lock()
			if r.running != nil {
				select {
				case r.running <- supervisor.ErrSuperseded:
				default:
				}
			}
			r.running = end
			r.mu.Unlock()
			r.reloads <- end
			select {
			case err := <-end:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	for {
		if func() bool { r.app.mu.Lock(); defer r.app.mu.Unlock(); return r.app.watched }() {
			return r
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *holdRig) path(name string) string { return filepath.Join(r.dir, name) }

// write replaces a file at once: one change.
func (r *holdRig) write(name, text string) {
	r.t.Helper()
	next := filepath.Join(r.t.TempDir(), "next")
	err := os.WriteFile(next, []byte(text), 0o644)
	if err == nil {
		err = os.Rename(next, r.path(name))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// finish ends the reloads that run and that come of changes so far.
func (r *holdRig) finish() {
	for dirty := true; dirty; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		select {
		case r.running <- nil:
		default:
		}
		r.mu.Unlock()
		for len(r.reloads) > 0 {
			<-r.reloads
		}
		_, dirty = r.app.dirty()
	}
}

// names is a worker's report about modules.
func (r *holdRig) names(files ...string) {
	for _, f := range files {
		r.hold.Event(supervisor.ShimLog{Who: supervisor.Who{App: "shop"}, Record: &wire.LogRecord{Event: "modules", Pairs: []string{"files", r.path(f)}}})
	}
}

// ask is a request: a channel with its result.
func (r *holdRig) ask() <-chan error {
	c := make(chan error, 1)
	go func() { c <- r.hold.Await(r.t.Context(), "shop") }()
	return c
}

func (r *holdRig) waits(c <-chan error) {
	r.t.Helper()
	select {
	case err := <-c:
		r.t.Fatalf("a request did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
}

func (r *holdRig) none() {
	r.t.Helper()
	select {
	case <-r.reloads:
		r.t.Error("an unexpected reload")
	case <-time.After(2 * calm):
	}
}

func TestHold(t *testing.T) {
	r := newHoldRig(t, "app.py", "views.py")
	r.app.calmGone = time.Minute
	if err := <-r.ask(); err != nil {
		t.Fatal(err)
	}
	r.write("views.py", "22")
	waiting := r.ask()
	end := <-r.reloads
	r.waits(waiting)
	if st, _ := r.hold.State("shop"); !st.Waits || st.Failure != nil {
		t.Errorf("%+v", st)
	}
	end <- nil
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	r.none()

	// Broken code: its failure, and nothing else, until it is fixed.
	failure := &supervisor.BootFailure{Who: supervisor.Who{App: "shop", Generation: 3}, Err: errors.New("syntax")}
	if err := os.Rename(r.path("views.py"), r.path("views.py~")); err != nil {
		t.Fatal(err)
	}
	waiting = r.ask()
	r.write("views.py", "(((")
	end = <-r.reloads
	r.hold.Event(supervisor.ReloadFailed{BootFailure: *failure, Serving: 2})
	end <- failure
	for range 2 {
		if err := <-r.ask(); !errors.Is(err, failure.Err) {
			t.Errorf("%v", err)
		}
	}
	if err := <-waiting; !errors.Is(err, failure.Err) {
		t.Errorf("%v", err)
	}
	r.hold.Event(supervisor.WorkerReady{Who: supervisor.Who{App: "shop", Generation: 2}}) // of the old code
	if err := <-r.ask(); !errors.Is(err, failure.Err) {
		t.Errorf("%v after a worker of the old code has started", err)
	}
	r.write("views.py", "4444")
	waiting = r.ask()
	(<-r.reloads) <- nil
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	if err := <-r.ask(); err != nil {
		t.Error(err)
	}
	r.write(".env", "A=1") // it did not exist
	waiting = r.ask()
	(<-r.reloads) <- nil
	<-waiting
	r.write("other.py", "nobody has imported it")
	if err := <-r.ask(); err != nil {
		t.Error(err)
	}
	r.none()
}

// A change while the code boots: requests that came before it may be answered by that boot, later ones wait for the next.
func TestHoldChangeDuringABoot(t *testing.T) {
	r := newHoldRig(t, "app.py")
	r.write("app.py", "22")
	first := r.ask()
	<-r.reloads
	r.write("app.py", "333")
	second := r.ask()
	end := <-r.reloads // it has ended the first one
	r.waits(first)
	end <- nil
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	r.none()
}

// A file that a worker names late, and that has changed since its boot began, may have been read before that.
func TestHoldFileThatIsNamedLate(t *testing.T) {
	r := newHoldRig(t, "app.py", "old.py")
	time.Sleep(tick)
	r.write("lazy.py", "1")
	r.names("lazy.py")
	waiting := r.ask()
	(<-r.reloads) <- nil
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	r.names("lazy.py", "old.py")
	<-r.ask()
	r.none()
}

// An app that writes one of its files whenever it boots is not reloaded for ever.
func TestHoldRestlessFile(t *testing.T) {
	r := newHoldRig(t, "app.py", "version.py")
	r.write("app.py", "22")
	text := "1"
	for n := 0; ; n++ {
		select {
		case end := <-r.reloads:
			time.Sleep(tick)
			text += "1"
			r.write("version.py", text)
			select {
			case end <- nil:
			default: // the next one has ended it
			}
			r.ask()
		case path := <-r.ignored:
			if path != r.path("version.py") || n < ignored {
				t.Errorf("%s after %d reloads", path, n)
			}
			return
		case <-time.After(2 * time.Minute):
			t.Fatalf("%d reloads", n)
		}
	}
}

// A file that is saved again and again while its code hangs is not taken for one that the app writes; one that is is looked at again
// when it changes while nothing boots.
func TestHoldBusyEditor(t *testing.T) {
	r := newHoldRig(t, "app.py")
	text := "1"
	save := func(asked bool) {
		text += "1"
		for _, step := range []string{"", text} { // requests come meanwhile, or none
			r.write("app.py", step)
			if asked {
				r.app.look()
			}
		}
	}
	edited := func(asked bool) (reloads int) {
		t.Helper()
		save(asked)
		select {
		case <-r.reloads:
			for reloads = 1; len(r.reloads) > 0; reloads++ { // of a save in two steps
				<-r.reloads
			}
		case path := <-r.ignored:
			t.Fatalf("%s is ignored", path)
		case <-time.After(2 * time.Minute):
			t.Fatal("no reload")
		}
		return reloads
	}
	for n, boots := 0, 0; boots < ignored-2; n++ { // each boot hangs, and is ended by the next save
		boots += edited(n%3 != 0)
	}
	r.finish()
	r.none()
	edited(true) // nothing boots
	r.finish()
	r.none()
}

// A request does not wait for a boot that hangs, or for its client.
func TestHoldThatHangs(t *testing.T) {
	r := newHoldRig(t, "app.py")
	r.hold.patience = 50 * time.Millisecond
	r.write("app.py", "22")
	if err := <-r.ask(); !errors.As(err, new(*StillStarting)) {
		t.Errorf("%v", err)
	}
	r.hold.patience = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.hold.Await(ctx, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := r.hold.Await(ctx, "another"); err != nil {
		t.Error(err)
	}
}

// Before a worker was ready a request waits; the failure of the first boot is its answer, and ends with the next worker.
func TestHoldFirstBoot(t *testing.T) {
	h := NewHold([]App{{Name: "shop"}}, nil)
	h.patience = 10 * time.Millisecond
	h.apps["shop"].watch(true)
	if err := h.Await(t.Context(), "shop"); !errors.As(err, new(*StillStarting)) {
		t.Errorf("%v", err)
	}
	who := supervisor.Who{App: "shop", Generation: 1}
	broken := filepath.Join(t.TempDir(), "fresh.py")
	h.Event(supervisor.BootFailure{Who: who, Failed: &wire.Failed{Message: "no", File: "relative.py", Traceback: "  File \"" + broken + "\", line 3\n  File \"/usr/lib/python3.13/ast.py\", line 5\n"}})
	if err := h.Await(t.Context(), "shop"); !errors.As(err, new(*supervisor.BootFailure)) {
		t.Errorf("%v", err)
	}
	if a := h.apps["shop"]; len(a.files) != 1 || a.files[broken] == nil {
		t.Errorf("%v", a.files)
	}
	h.Event(supervisor.WorkerReady{Who: who})
	if err := h.Await(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
	h.Event(supervisor.BootFailure{Who: who, Err: errors.New("a worker that was replaced")})
	if err := h.Await(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
}
