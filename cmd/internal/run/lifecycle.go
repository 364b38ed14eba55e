package run

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// phase is where the server is in its life.
type phase uint8

const (
	starting phase = iota // the addresses are open, the workers boot
	serving
	draining // no connection is accepted, requests finish
	stopped
)

// event is what happens to the server.
type event struct {
	kind eventKind
	err  error     // of booted, entered, attempted
	sig  os.Signal // of stopSignal, controlSignal
	at   time.Time // of stopSignal, helperEnded
}

type eventKind uint8

const (
	booted        eventKind = iota // the apps are up; err: they are not
	entered                        // this process serves alone; err: it must not
	stopSignal                     // a signal that means the end
	controlSignal                  // a signal that means something else
	helperEnded                    // the helper process has ended
	attempted                      // a new process is ready to take over; err: it has failed
	superseded                     // a new process has taken over
	drained                        // superseded: the requests are answered, or their time is over
	halted                         // the stop has ended
)

// action is what the server does about an event.
type action uint8

const (
	enterService    action = iota // take the place of a process that serves, if there is one
	startWatching                 // files, releases, readiness
	stopWatching                  // likewise
	obeySignal                    // of controlSignal
	concludeAttempt               // let the new process take over, or tell that it has failed
	handOver                      // drain beside the new process
	stopInOrder                   // within the stop budget
	killAll                       // cut the stop short
	abandon                       // end what a failed start has left
	retire                        // end the workers after the drain beside the new process
	reportStopped
)

// sameSignal: a second SIGTERM so soon after the first counts as the same one; some service
// managers send two.
const sameSignal = time.Second

var errHelperEnded = exit.With(exit.Failed, errors.New("the helper process that starts workers as other users has ended"))

// lifecycle is the state of the server. It decides, and does nothing.
type lifecycle struct {
	phase phase
	first os.Signal // why it stops; nil: it does not, or another process has taken over
	began time.Time // of the stop
	// killed: a second signal has cut the stop short.
	killed bool
	err    error // of the whole run, with its exit code
}

// step returns what to do about an event. An event that means nothing in the present phase
// does nothing: it came too late.
func (l *lifecycle) step(e event) []action {
	switch l.phase {
	case starting:
		return l.start(e)
	case serving:
		return l.serve(e)
	case draining:
		return l.drain(e)
	}
	return nil
}

func (l *lifecycle) start(e event) []action {
	switch e.kind {
	case booted, entered:
		switch {
		case e.err != nil:
			l.phase, l.err = stopped, e.err
			return []action{abandon}
		case e.kind == booted:
			return []action{enterService}
		}
		l.phase = serving
		return []action{startWatching}
	case stopSignal:
		return l.stop(e.sig, e.at)
	}
	return nil
}

func (l *lifecycle) serve(e event) []action {
	switch e.kind {
	case stopSignal:
		return append([]action{stopWatching}, l.stop(e.sig, e.at)...)
	case controlSignal:
		return []action{obeySignal}
	case helperEnded:
		l.err = errHelperEnded
		return append([]action{stopWatching}, l.stop(noSignal{}, e.at)...)
	case attempted:
		return []action{concludeAttempt}
	case superseded:
		l.phase = draining
		return []action{stopWatching, handOver}
	}
	return nil
}

func (l *lifecycle) drain(e event) []action {
	switch {
	case e.kind == stopSignal && l.first == nil: // beside the new process
		return l.stop(e.sig, e.at)
	case e.kind == stopSignal:
		if l.killed || e.sig == syscall.SIGTERM && e.sig == l.first && e.at.Sub(l.began) < sameSignal {
			return nil
		}
		l.killed, l.err = true, exit.Silent(exit.Interrupted)
		return []action{killAll}
	case e.kind == drained && l.first == nil:
		l.phase = stopped
		return []action{retire}
	case e.kind == halted:
		l.phase = stopped
		if !l.killed {
			return []action{reportStopped}
		}
	}
	return nil
}

func (l *lifecycle) stop(sig os.Signal, at time.Time) []action {
	l.phase, l.first, l.began = draining, sig, at
	return []action{stopInOrder}
}

// noSignal is why a stop begins that no signal asked for.
type noSignal struct{}

func (noSignal) Signal()        {}
func (noSignal) String() string { return "none: the helper has ended" }
