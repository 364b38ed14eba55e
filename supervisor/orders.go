package supervisor

// orders tell a slot what to do, and show its state. Others change them under the lock of the pool and wake the slot.
type orders struct {
	wake chan struct{} // capacity 1: the orders have changed

	// Under mu:
	target  *generation // that the slot is to run
	due     Reason      // why its worker is to be replaced; None: it is not
	closing Reason      // why the slot is to end; None: it is not

	// Under mu, written by the slot's loop only:
	current *Worker // that serves, boots or leaves; nil: none
	resting bool    // a pause before the next start
	empties bool    // StopFirst: its worker has ended for its age or size, and the next one does not serve yet
}

// aim sets what the slot is to run. mu is held.
func (o *orders) aim(g *generation) {
	if o.target != g {
		o.target = g
		offer(o.wake, struct{}{})
	}
}

// close orders the slot to end. mu is held.
func (o *orders) close(why Reason) {
	if o.closing == None || why.ends() {
		o.closing = why
		offer(o.wake, struct{}{})
	}
}

// replace orders another worker in the place of w; false: w is being replaced already, or is not the slot's worker any more.
// mu is held.
func (o *orders) replace(w *Worker, why Reason) bool {
	if o.current != w || o.due != None || o.closing != None {
		return false
	}
	o.due = why
	offer(o.wake, struct{}{})
	return true
}

// arrived reports whether a worker of gen serves here. mu is held.
func (o *orders) arrived(gen *generation) bool {
	return o.target == gen && o.current != nil && o.current.gen == gen && o.current.serving
}
