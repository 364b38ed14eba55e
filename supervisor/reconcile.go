package supervisor

// reconcile is pure: it compares the present state of a slot with the desired one, and returns the next action. The slot carries
// it out and asks again; stay: it waits until something happens.
func reconcile(have observed, want desired) slotAction {
	switch {
	case want.closing != None:
		if have.current == nil && have.next == nil && have.leaving == 0 {
			return slotAction{do: finish}
		}
		return slotAction{do: retireBoth, why: want.closing}
	case have.current == nil:
		return fill(have, want)
	case want.target.StopFirst:
		return stopFirst(have.current, want)
	case !have.current.ready && have.current.gen != want.target && have.current.gen != want.serving: // a boot that is not wanted any more
		return slotAction{do: dropCurrent, why: Reload}
	case have.next != nil && have.next.gen != want.target:
		return slotAction{do: dropNext, why: Reload}
	case have.next == nil && want.another(have.current):
		return slotAction{do: startNext, gen: want.target}
	}
	return slotAction{do: stay}
}

// fill starts a worker in an empty slot.
func fill(have observed, want desired) slotAction {
	switch {
	case have.resting, want.target.StopFirst && have.leaving > 0:
		return slotAction{do: stay}
	case want.target.StopFirst:
		return slotAction{do: start, gen: want.target}
	}
	return slotAction{do: start, gen: want.serving} // a reload that has not succeeded has no claim on an empty slot
}

// stopFirst ends the worker that is to be replaced before another one is started.
func stopFirst(current *occupant, want desired) slotAction {
	if current.gen != want.target || current.ready && want.due != None {
		return slotAction{do: retireBoth, why: want.due.or(Reload)}
	}
	return slotAction{do: stay}
}

// another reports whether another worker has to take the place of the current one.
func (d desired) another(current *occupant) bool {
	return current.gen != d.target || current.ready && (d.due != None || current.leaves)
}

// observed is the present state of a slot.
type observed struct {
	current, next *occupant // nil: none
	leaving       int       // workers that were told to leave and have left the two
	resting       bool      // a pause before the next start
}

// occupant is one worker of a slot.
type occupant struct {
	gen    *generation
	ready  bool
	leaves bool // it was told to leave, or leaves by itself
}

// desired is the state that a slot has to reach.
type desired struct {
	target  *generation // that it is to run
	serving *generation // that serves in the pool
	due     Reason      // why its worker is to be replaced; None: it is not
	closing Reason      // why the slot is to end; None: it is not
}

// slotAction is one step of a slot.
type slotAction struct {
	do  slotStep
	gen *generation // of start and startNext
	why Reason      // of retireBoth, dropCurrent and dropNext
}

type slotStep int

const (
	stay        slotStep = iota
	start                // a worker for the empty slot
	startNext            // a worker beside the current one, which takes over when it is ready
	retireBoth           // tell the workers to leave, and wait for their end
	dropCurrent          // tell the current worker to leave, and do not wait for it
	dropNext             // the same for the next one
	finish               // the slot ends
)

// or returns another reason in the place of None.
func (r Reason) or(other Reason) Reason {
	if r == None {
		return other
	}
	return r
}
