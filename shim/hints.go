package shim

import (
	"context"

	"github.com/standpipe/standpipe/shim/wire"
)

const (
	// MaxHints bounds the early hints of one request that are handed on; further
	// ones are counted and dropped.
	MaxHints = 16
)

// takeHints keeps hints for Early. mu is held.
func (x *Exchange) takeHints(p []byte) error {
	if x.head != nil {
		return wire.Errorf(nil, "an EarlyHints after the Head of stream %d", x.id)
	}
	fields, err := wire.DecodeEarlyHints(p)
	if err != nil || x.closed {
		return err
	}
	if x.hinted++; x.hinted <= MaxHints {
		x.hints = append(x.hints, fields)
	}
	return nil
}

// Early waits for the next early hints and returns their fields; nil when no
// further ones come before Head has its answer, its error included. Its error is
// ctx's.
func (x *Exchange) Early(ctx context.Context) ([]wire.Field, error) {
	for {
		x.mu.Lock()
		if len(x.hints) > 0 {
			fields := x.hints[0]
			x.hints = x.hints[1:]
			x.mu.Unlock()
			return fields, nil
		}
		over := x.head != nil || x.ended
		x.mu.Unlock()
		if over {
			return nil, nil
		}
		select {
		case <-x.wakeRead:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// HintsDropped returns how many early hints were more than MaxHints.
func (x *Exchange) HintsDropped() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return max(x.hinted-MaxHints, 0)
}
