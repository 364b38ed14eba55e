package run

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/supervisor"
)

// bootPolicy says what the start waits for.
type bootPolicy struct {
	// patience is how long the start waits for the further workers of the apps once each
	// app has one; 0: until all of them are ready or have failed.
	patience time.Duration
	// needed are the apps without which this process must not serve.
	needed []string
}

// bootingPool is what the start asks of a pool.
type bootingPool interface {
	App() string
	Down() <-chan struct{}
	Failure() *supervisor.BootFailure
}

// bootReporter hears how the start goes.
type bootReporter interface {
	ready(app string, st journal.Start) // all workers of the app, or those that are ready at the end
	decided()                           // each app serves, or cannot
	started(up int)
}

// boot waits until every app is up or has failed.
type boot struct {
	pools    []bootingPool
	progress *journal.Progress
	policy   bootPolicy
	report   bootReporter

	told    map[string]bool // apps that were reported as ready
	settled bool            // decided was reported
}

// survey is how far the apps are.
type survey struct {
	up        int // apps that have a ready worker
	undecided int // apps that neither serve nor have failed
	waiting   int // apps that may still get workers
}

// count adds an app: how far it is, and whether its pool has given up.
func (s *survey) count(st journal.Start, down bool) {
	switch {
	case st.Ready != nil:
		s.up++
		if st.Count < st.Of && !st.Failed {
			s.waiting++
		}
	case !down:
		s.undecided++
		s.waiting++
	}
}

// wait returns when the apps are up, or with the error that no app is. It ends with ctx.
func (b *boot) wait(ctx context.Context) error {
	b.told = map[string]bool{}
	var late <-chan time.Time
	for {
		s := b.look()
		if s.waiting == 0 {
			return b.conclude(s.up)
		}
		if s.up == len(b.pools) && late == nil && b.policy.patience > 0 {
			late = time.After(b.policy.patience)
		}
		select {
		case <-b.progress.Changed():
		case <-late:
			return b.conclude(s.up)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look surveys the apps and reports what is new.
func (b *boot) look() survey {
	var s survey
	for _, p := range b.pools {
		st := b.progress.Of(p.App())
		s.count(st, isClosed(p.Down()))
		if st.Ready != nil && st.Count == st.Of {
			b.tell(p.App(), st)
		}
	}
	if s.undecided == 0 && (s.up > 0 || len(b.pools) == 0) && !b.settled {
		b.settled = true
		b.report.decided()
	}
	return s
}

func (b *boot) tell(app string, st journal.Start) {
	if !b.told[app] {
		b.told[app] = true
		b.report.ready(app, st)
	}
}

// conclude reports what is up, or returns the error when that is not enough.
func (b *boot) conclude(up int) error {
	if up == 0 && len(b.pools) > 0 || b.misses() {
		return b.failure()
	}
	for _, p := range b.pools {
		if st := b.progress.Of(p.App()); st.Ready != nil {
			b.tell(p.App(), st)
		}
	}
	b.report.started(up)
	return nil
}

// misses reports whether an app is not up that is needed.
func (b *boot) misses() bool {
	return slices.ContainsFunc(b.pools, func(p bootingPool) bool {
		return slices.Contains(b.policy.needed, p.App()) && b.progress.Of(p.App()).Ready == nil
	})
}

// failure is one sentence for each app that did not start; the log has the tracebacks.
func (b *boot) failure() error {
	var failures notBooted
	for _, p := range b.pools {
		if f := p.Failure(); f != nil {
			failures = append(failures, f)
		}
	}
	return exit.With(exit.NotBooted, failures)
}

// notBooted says why apps did not start.
type notBooted []*supervisor.BootFailure

func (n notBooted) Error() string {
	var sentences []string
	for _, f := range n {
		sentences = append(sentences, journal.Advised(f))
	}
	return strings.Join(sentences, "\nstandpipe: ")
}

// People is the error for people, as text of several lines.
func (n notBooted) People(p terminal.Paint) string {
	var b strings.Builder
	for _, f := range n {
		b.WriteString(journal.People(f, p))
	}
	return b.String()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
