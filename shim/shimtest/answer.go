package shimtest

import (
	"context"
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// Head waits for the answer's head, at most until ctx ends. Early hints are passed over.
func Head(ctx context.Context, x *shim.Exchange) (*wire.Head, error) {
	x.CancelOn(ctx.Done(), context.Canceled)
	for {
		e, err := x.Wait(shim.Deadline{})
		switch {
		case err != nil:
			return nil, err
		case e.Kind == shim.EventHead:
			return e.Head, nil
		case e.Kind != shim.EventHints:
			return nil, fmt.Errorf("event %d in place of a head", e.Kind)
		}
	}
}

// Body reads the rest of the answer; a head is passed over. With an error it returns
// what came before it.
func Body(ctx context.Context, x *shim.Exchange) (string, error) {
	x.CancelOn(ctx.Done(), context.Canceled)
	var b strings.Builder
	for {
		e, err := x.Wait(shim.Deadline{})
		if err != nil || e.Kind == shim.EventEnd {
			return b.String(), err
		}
		b.Write(e.Body)
		e.Free()
	}
}
