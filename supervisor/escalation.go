package supervisor

import "time"

// escalation is how hard a process was pushed to end: the Stop message, SIGTERM, SIGKILL.
type escalation int

const (
	notAsked   escalation = iota
	asked                 // Stop was sent
	terminated            // SIGTERM was sent, or is of no use; SIGKILL is next
	killed                // SIGKILL was sent
)

// ask sends Stop, and takes the process out of service. Stop goes before SIGTERM, which counts for the shim only after it.
func (e *escalation) ask() []action {
	*e = max(*e, asked)
	return []action{sendStop{}, withdraw{}}
}

// terminate sends SIGTERM; the next step follows after grace.
func (e *escalation) terminate(grace time.Duration) []action {
	*e = max(*e, terminated)
	return []action{terminate{}, e.step(grace)}
}

// kill sends SIGKILL.
func (e *escalation) kill() []action {
	*e = killed
	return []action{kill{}}
}

// step is the time until the next step, at least a moment: an armed timer of 0 is off.
func (e *escalation) step(after time.Duration) action { return arm{stepTimer, max(after, 1)} }
