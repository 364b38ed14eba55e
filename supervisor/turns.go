package supervisor

import (
	"sync"
	"time"
)

// Turns bound how many workers of all pools that share them boot at a time. Two hundred
// interpreters that start together take as long as one after the other, but all are
// ready last, each near its own boot timeout.
//
// A turn ends with the boot, and at the latest after turnTime: an app that hangs at its
// import must not keep others from booting.
type Turns struct{ places chan struct{} }

const turnTime = 2 * time.Second

// NewTurns returns n turns at a time; 0: no limit.
func NewTurns(n int) *Turns {
	if n <= 0 {
		return nil
	}
	return &Turns{make(chan struct{}, n)}
}

// take waits for a turn, first come first served; false: stop was closed before. done
// ends it and may be called more than once. nil Turns have no limit.
func (t *Turns) take(stop <-chan struct{}) (done func(), ok bool) {
	if t == nil {
		return func() {}, true
	}
	select {
	case t.places <- struct{}{}:
	case <-stop:
		return nil, false
	}
	end := sync.OnceFunc(func() { <-t.places })
	late := time.AfterFunc(turnTime, end) // ends by itself
	return func() { late.Stop(); end() }, true
}
