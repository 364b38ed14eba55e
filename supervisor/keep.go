package supervisor

import (
	"context"
	"math/rand/v2"
)

// due is a worker that is to be replaced, and why.
type due struct {
	worker *Worker
	why    Reason
}

// recycles: the worker is to be replaced for its age or size, and few at a time.
func (r Reason) recycles() bool { return r == MaxRequests || r == MaxLifetime || r == MaxRSS }

// isDue has a worker replaced as soon as few enough others are. Until its
// replacement is ready it serves on. mu is held.
func (p *Pool) isDue(w *Worker, why Reason) {
	if w.due || !w.serving {
		return
	}
	w.due = true
	p.dues = append(p.dues, due{w, why})
	p.recycleNext()
}

// recycleNext starts replacements, at most a tenth of the slots at a time. mu is
// held.
func (p *Pool) recycleNext() {
	for p.recycling < max(1, len(p.slots)/10) && len(p.dues) > 0 {
		d := p.dues[0]
		p.dues = p.dues[1:]
		for _, s := range p.slots {
			if s.seat == d.worker && s.replace(d.worker, d.why) {
				p.recycling++
			}
		}
	}
}

// spread adds up to jitter of n to it, so that workers that started together are
// not replaced together.
func spread(n int64, jitter float64) int64 {
	if more := int64(float64(n) * jitter); more > 0 {
		return n + rand.Int64N(more+1)
	}
	return n
}

// keep is the pool's housekeeping: sizes, ages, the number of slots. It ends with
// the pool.
func (p *Pool) keep() {
	p.mu.Lock()
	every := p.gen.SampleEvery
	p.mu.Unlock()
	sample, look := beat{every: every}, beat{every: scaleTick}
	defer sample.stop()
	defer look.stop()
	var s scaler
	for {
		p.mu.Lock()
		scales := p.gen.shrinks()
		p.mu.Unlock()
		select {
		case <-p.stop:
			return
		case <-p.regen:
		case answer := <-p.pulse:
			close(answer)
		case now := <-look.next(scales):
			look.over()
			p.scale(now, &s)
		case <-sample.next(true):
			sample.over()
			p.sample()
		}
	}
}

// sample looks at the size of each worker.
func (p *Pool) sample() {
	p.mu.Lock()
	list := append([]*Worker(nil), p.workers...)
	p.mu.Unlock()
	for _, w := range list {
		size := w.readRSS()
		if size == 0 {
			continue
		}
		w.rss.Store(size)
		switch {
		case w.gen.HardRSS > 0 && size > w.gen.HardRSS:
			offer(w.inputs.size, tooLarge{size, w.gen.HardRSS})
		case w.gen.MaxRSS > 0 && size > w.gen.MaxRSS:
			p.mu.Lock()
			p.isDue(w, MaxRSS)
			p.mu.Unlock()
		}
	}
}

// Alive returns nil when the pool's lock can be taken and its housekeeping runs, or
// the pool is stopping; ctx's error when that cannot be told in time.
func (p *Pool) Alive(ctx context.Context) error {
	took := make(chan bool, 1)
	go func() { // ends when it gets the lock; where nobody ever does, with the process
		p.mu.Lock()
		defer p.mu.Unlock()
		took <- p.started && !p.stopping
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
	case p.pulse <- answer:
	case <-p.stop:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
