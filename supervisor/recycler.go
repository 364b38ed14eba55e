package supervisor

import "math/rand/v2"

// recycler has workers replaced for their age or size, at most a tenth of the slots at a time. A worker serves until its
// replacement is ready.
type recycler struct {
	*core
	dispatch *dispatcher

	// Under mu:
	waiting []dueWorker // workers that are to be replaced, and may not yet
	running int         // slots that replace a worker
}

// dueWorker is a worker that is to be replaced, and why.
type dueWorker struct {
	worker *Worker
	why    Reason
}

// recycles reports whether a worker is replaced for its age or size, and few at a time.
func (r Reason) recycles() bool { return r == MaxRequests || r == MaxLifetime || r == MaxRSS }

// add has a worker replaced as soon as few enough others are. mu is held.
func (r *recycler) add(w *Worker, why Reason) {
	if w.due || !w.serving {
		return
	}
	w.due = true
	r.waiting = append(r.waiting, dueWorker{w, why})
	r.next()
}

// over counts a replacement that has ended. mu is held.
func (r *recycler) over() {
	r.running--
	r.next()
}

// next starts replacements. mu is held.
func (r *recycler) next() {
	for r.running < max(1, r.dispatch.slots/10) && len(r.waiting) > 0 {
		d := r.waiting[0]
		r.waiting = r.waiting[1:]
		if d.worker.orders.replace(d.worker, d.why) {
			r.running++
		}
	}
}

// spread adds up to jitter of n to it, so that workers that started together are not replaced together.
func spread(n int64, jitter float64) int64 {
	if more := int64(float64(n) * jitter); more > 0 {
		return n + rand.Int64N(more+1)
	}
	return n
}
