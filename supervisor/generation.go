package supervisor

import (
	"context"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// generation is one version of what a pool runs. Its Options do not change: a
// reload makes another one.
type generation struct {
	Options
	number  int
	boots   *BootLimiter
	changed chan struct{} // capacity 1: something below has changed

	// Under pool.mu:
	release  string       // the folder that it runs in; empty: not known yet
	boot     wire.Boot    // with the release's paths
	template *template    // that makes its workers; nil: there is none
	ready    int          // workers of it that have become ready, ever
	killed   int          // boots that were killed from outside since one was ready
	failure  *BootFailure // of its last boot; nil after a Ready
	pace     pace
}

func newGeneration(o Options, number int) *generation {
	if o.Spawner == nil {
		o.Spawner = process.Exec{}
	}
	o.Workers = max(o.Workers, 1)
	o.MaxWorkers = max(o.MaxWorkers, o.Workers)
	o.Threads = max(o.Threads, 1)
	if o.Threads > 1 || o.Boot.Gevent {
		o.Prefetch = 0 // it waits for nobody between two requests
	}
	o.Boot.Threads, o.Boot.Prefetch = o.Threads, o.Prefetch
	return &generation{Options: o, number: number, boots: &BootLimiter{limit: o.BootLimit, shared: o.Boots}, changed: make(chan struct{}, 1), pace: pace{smooth: 2 * prefetchWait}, boot: o.Boot}
}

// runs takes note of where a generation runs.
func (p *Pool) runs(g *generation, c process.Command) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Dir != "" {
		g.release, g.boot.Dir, g.boot.PythonPath = c.Dir, c.Dir, c.PythonPath
	}
}

// bootMessage is what the workers of g are told.
func (p *Pool) bootMessage(g *generation) wire.Boot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return g.boot
}

// Reload replaces the workers by those of a new generation: new boots beside old,
// Surge of them at a time; whoever is ready takes over from an old one, which
// finishes its requests. nil as Options: the same again, looked up anew. When the
// first of them cannot boot the old generation goes on serving, and the
// error is a *ReloadFailed. Where none has ever been ready there is nothing to go back
// to, and it is a *BootFailure. Once one has booted, failures of others are only told;
// Reload returns when all have taken over, or with ctx's error, and then goes on.
//
// Reloads follow one another: a second one waits for the first.
func (p *Pool) Reload(ctx context.Context, o *Options) error {
	done := make(chan error, 1)
	p.mu.Lock()
	if p.stopping {
		p.mu.Unlock()
		return errStopped
	}
	p.done.Go(func() { // ends with the reload or with the pool
		select {
		case p.reloads <- struct{}{}:
			defer func() { <-p.reloads }()
			done <- p.reload(o)
		case <-p.stop:
			done <- errStopped
		}
	})
	p.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pool) reload(o *Options) error {
	p.mu.Lock()
	old := p.gen
	if o == nil {
		again := old.Options
		o = &again
	}
	p.numbers++
	gen := newGeneration(*o, p.numbers)
	p.next = gen
	committed := false
	commit := func() {
		committed = true
		p.gen, p.next, p.failure = gen, nil, nil
		p.fit(old)
		offer(p.regen, struct{}{})
	}
	switch {
	case old.ready == 0: // it never served: there is nothing to protect
		commit()
		for _, s := range p.slots {
			s.aim(gen)
		}
	case len(p.slots) == 0: // asleep: only a boot shows whether the new code can
		p.rouse()
	}
	p.mu.Unlock()
	for {
		p.mu.Lock()
		if gen.ready == 0 && gen.failure != nil && !committed {
			failed := ReloadFailed{*gen.failure, old.number, gen.release, old.release}
			p.next = nil
			for _, s := range p.slots {
				s.aim(old)
			}
			p.mu.Unlock()
			p.emit(failed)
			return &failed
		}
		if gen.ready > 0 && !committed {
			commit()
		}
		if p.advance(gen) == 0 && committed {
			release := gen.release
			p.mu.Unlock()
			p.emit(Reloaded{App: p.opts.App, Generation: gen.number, Release: release})
			return nil
		}
		if committed && gen.ready == 0 && gen.failure != nil {
			failure := *gen.failure
			p.mu.Unlock()
			return &failure
		}
		p.mu.Unlock()
		select {
		case <-gen.changed:
		case <-p.stop:
			return errStopped
		}
	}
}

// advance points slots at gen, Surge of them at a time, and returns how many have
// still an old worker or none. mu is held.
func (p *Pool) advance(gen *generation) (left int) {
	moving := 0
	for _, s := range p.slots {
		if s.arrived(gen) {
			continue
		}
		left++
		if s.target == gen {
			moving++
		}
	}
	most := gen.surge(len(p.slots))
	if gen.StopFirst {
		most = 1
	}
	for _, s := range p.slots {
		if moving >= most {
			return left
		}
		if s.target != gen {
			s.aim(gen)
			moving++
		}
	}
	return left
}

// surge is how many workers more than configured may live during a reload.
func (o *Options) surge(slots int) int {
	if o.Surge > 0 {
		return o.Surge
	}
	return max(1, slots/4)
}

// nudge tells who waits for the generation. mu need not be held.
func (g *generation) nudge() { offer(g.changed, struct{}{}) }
