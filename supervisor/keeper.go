package supervisor

import (
	"context"
	"time"
)

// keeper is the housekeeping of a pool: sizes, ages, the number of slots.
type keeper struct {
	*core
	dispatch *dispatcher
	fleet    *fleet
	roster   *roster
	recycle  *recycler
	regen    <-chan struct{}    // another generation serves
	pulse    chan chan struct{} // a caller asks whether run runs
	scaler   scaler
}

// run ends with the pool.
func (k *keeper) run() {
	k.mu.Lock()
	every := k.gen.SampleEvery
	k.mu.Unlock()
	sample, look := alignedTicker{every: every}, alignedTicker{every: scaleTick}
	defer sample.stop()
	defer look.stop()
	for {
		k.mu.Lock()
		scales := k.gen.shrinks()
		k.mu.Unlock()
		select {
		case <-k.stop:
			return
		case <-k.regen:
		case answer := <-k.pulse:
			close(answer)
		case now := <-look.next(scales):
			look.over()
			k.scale(now)
		case <-sample.next(true):
			sample.over()
			k.sample()
		}
	}
}

// scale gives the pool the size that its load wants.
func (k *keeper) scale(now time.Time) {
	k.mu.Lock()
	if k.stopping || !k.gen.shrinks() || k.next != nil {
		k.mu.Unlock()
		return
	}
	l := k.dispatch.look(now)
	to, why := k.scaler.step(l)
	if to != l.size {
		k.fleet.resize(to)
	}
	k.mu.Unlock()
	if to != l.size {
		k.emit(Scaled{App: k.app, From: l.size, To: to, Why: why})
	}
}

// sample looks at the size of each worker.
func (k *keeper) sample() {
	for _, w := range k.roster.all() {
		size := w.readRSS()
		if size == 0 {
			continue
		}
		w.rss.Store(size)
		switch {
		case w.gen.HardRSS > 0 && size > w.gen.HardRSS:
			offer(w.inputs.size, tooLarge{size, w.gen.HardRSS})
		case w.gen.MaxRSS > 0 && size > w.gen.MaxRSS:
			k.mu.Lock()
			k.recycle.add(w, MaxRSS)
			k.mu.Unlock()
		}
	}
}

// alive returns nil when the pool's lock can be taken and run runs, or the pool stops; the error of ctx when that is not known in
// time.
func (k *keeper) alive(ctx context.Context) error {
	took := make(chan bool, 1)
	go func() { // ends when it gets the lock; if it never does, with the process
		k.mu.Lock()
		defer k.mu.Unlock()
		took <- k.started && !k.stopping
	}()
	var running bool
	select {
	case running = <-took:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !running {
		return nil
	}
	answer := make(chan struct{})
	select {
	case k.pulse <- answer:
	case <-k.stop:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
