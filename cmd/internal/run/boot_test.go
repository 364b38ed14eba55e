package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

func TestSurvey(t *testing.T) {
	ready := new(wire.Ready)
	for name, c := range map[string]struct {
		st   journal.Start
		down bool
		want survey
	}{
		"boots":                      {journal.Start{}, false, survey{undecided: 1, waiting: 1}},
		"has given up":               {journal.Start{}, true, survey{}},
		"one of two":                 {journal.Start{Ready: ready, Count: 1, Of: 2}, false, survey{up: 1, waiting: 1}},
		"one of two, and one failed": {journal.Start{Ready: ready, Count: 1, Of: 2, Failed: true}, false, survey{up: 1}},
		"two of two":                 {journal.Start{Ready: ready, Count: 2, Of: 2}, false, survey{up: 1}},
	} {
		var s survey
		s.count(c.st, c.down)
		if s != c.want {
			t.Errorf("%s: %+v, want %+v", name, s, c.want)
		}
	}
}

type fakePool struct {
	app  string
	down chan struct{}
}

func (p *fakePool) App() string           { return p.app }
func (p *fakePool) Down() <-chan struct{} { return p.down }
func (p *fakePool) Failure() *supervisor.BootFailure {
	if !isClosed(p.down) {
		return nil
	}
	return &supervisor.BootFailure{Who: supervisor.Who{App: p.app}, Err: errors.New("no module")}
}

// heard is what a boot reports.
type heard struct{ list []string }

func (h *heard) ready(app string, _ journal.Start) { h.list = append(h.list, "ready "+app) }
func (h *heard) decided()                          { h.list = append(h.list, "decided") }
func (h *heard) started(up int)                    { h.list = append(h.list, "started "+strings.Repeat("x", up)) }

// rig is a boot of the apps a and b, in a bubble of synctest.
type rig struct {
	*boot
	a, b  *fakePool
	heard *heard
}

func newRig(policy bootPolicy) *rig {
	r := &rig{a: &fakePool{"a", make(chan struct{})}, b: &fakePool{"b", make(chan struct{})}, heard: &heard{}}
	r.boot = &boot{pools: []bootingPool{r.a, r.b}, progress: journal.NewProgress(), policy: policy, report: r.heard}
	return r
}

func (r *rig) up(app string, count, of int) {
	r.progress.Event(supervisor.WorkerReady{Who: supervisor.Who{App: app}, Ready: new(wire.Ready), Count: count, Of: of})
	synctest.Wait()
}

func (r *rig) fail(p *fakePool) {
	close(p.down)
	r.progress.Event(supervisor.BootFailure{Who: supervisor.Who{App: p.app}})
	synctest.Wait()
}

func TestBoot(t *testing.T) {
	fresh := bootPolicy{patience: patience}
	for name, c := range map[string]struct {
		policy bootPolicy
		do     func(*rig)
		heard  []string
		code   int
		after  time.Duration
	}{
		"all workers":        {fresh, func(r *rig) { r.up("a", 2, 2); r.up("b", 1, 1) }, []string{"ready a", "ready b", "decided", "started xx"}, 0, 0},
		"one app fails":      {fresh, func(r *rig) { r.up("a", 1, 1); r.fail(r.b) }, []string{"ready a", "decided", "started x"}, 0, 0},
		"both fail":          {fresh, func(r *rig) { r.fail(r.a); r.fail(r.b) }, nil, exit.NotBooted, 0},
		"a worker is late":   {fresh, func(r *rig) { r.up("a", 1, 2); r.up("b", 1, 1) }, []string{"ready b", "decided", "ready a", "started xx"}, 0, patience},
		"a successor waits":  {bootPolicy{}, func(r *rig) { r.up("a", 1, 2); r.up("b", 1, 1); time.Sleep(time.Hour); r.up("a", 2, 2) }, []string{"ready b", "decided", "ready a", "started xx"}, 0, time.Hour},
		"a needed app fails": {bootPolicy{needed: []string{"b"}}, func(r *rig) { r.up("a", 1, 1); r.fail(r.b) }, []string{"ready a", "decided"}, exit.NotBooted, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(c.policy)
			began := time.Now()
			done := make(chan error, 1)
			go func() { done <- r.wait(t.Context()) }()
			c.do(r)
			err := <-done
			if !slices.Equal(r.heard.list, c.heard) || exit.Code(err) != c.code || time.Since(began) != c.after {
				t.Errorf("%s: %q, exit %d after %v", name, r.heard.list, exit.Code(err), time.Since(began))
			}
			if c.code != 0 && !strings.Contains(err.Error(), `"b"`) {
				t.Errorf("%s: %v does not name the app", name, err)
			}
		})
	}
}

// A signal ends the wait.
func TestBootEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := newGroup(ctx)
		var err error
		g.start(func(ctx context.Context) { err = newRig(bootPolicy{}).wait(ctx) })
		synctest.Wait()
		cancel()
		g.close()
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
