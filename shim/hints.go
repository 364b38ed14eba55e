package shim

import "context"

const (
	// MaxHints bounds the early hints of one request that are handed on; further
	// ones are counted and dropped.
	MaxHints = 16
	// MaxHintFields bounds the fields of one EarlyHints.
	MaxHintFields = 128
)

// DecodeEarlyHints decodes an EarlyHints' payload: fields for an informational
// answer (RFC 8297), which nobody has checked.
func DecodeEarlyHints(p []byte) ([]Field, error) {
	w := newWalker(p)
	defer w.free()
	n, err := w.arrayLen()
	if err != nil {
		return nil, err
	}
	if n%2 != 0 || n/2 > MaxHintFields { // a field may take two octets there, and takes 32 here
		return nil, protocolErrorf(p, "an EarlyHints of %d names and values", n)
	}
	fields := make([]Field, 0, n/2)
	for ; n > 0; n -= 2 {
		var f Field
		if f.Name, err = w.str(); err != nil {
			return nil, err
		}
		if f.Value, err = w.str(); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, w.end()
}

// takeHints keeps hints for Early. mu is held.
func (x *Exchange) takeHints(p []byte) error {
	if x.head != nil {
		return protocolErrorf(nil, "an EarlyHints after the Head of stream %d", x.id)
	}
	fields, err := DecodeEarlyHints(p)
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
func (x *Exchange) Early(ctx context.Context) ([]Field, error) {
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
