package http1

import (
	"context"
	"testing"
)

// A context that is derived for a wait costs no new one, unless the client has left meanwhile: its end may be looked up later.
func TestWaitContextIsUsedAgain(t *testing.T) {
	for _, c := range []struct {
		name       string
		wait, gone bool
		again      bool
	}{{"derived from Wait", true, false, true}, {"derived from the context itself", false, false, false}, {"client gone", true, true, false}} {
		x := &requestContext{}
		parent := context.Context(x)
		if c.wait {
			parent = x.Wait()
		}
		ctx, cancel := context.WithCancel(parent)
		if c.gone {
			x.end(true)
			<-ctx.Done()
		}
		cancel()
		x.end(false)
		if again := x.again(); again != c.again {
			t.Errorf("%s: again is %v", c.name, again)
		}
		if c.again && x.err != nil {
			t.Errorf("%s: %v", c.name, x.err)
		}
	}
}
