package shim

import (
	"sync"

	"github.com/standpipe/standpipe/shim/wire"
)

// maxPurges bounds the Purges of a worker that have no Purged.
const maxPurges = 256

// purges are those of a worker, by its numbers.
type purges struct {
	mu   sync.Mutex
	open map[uint32]struct{}
}

// begin enters a Purge. Errors are *wire.ProtocolError.
func (p *purges) begin(number uint32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.open[number]; again || number == 0 || len(p.open) >= maxPurges {
		return wire.Errorf(nil, "a Purge of the number %d while %d have no answer", number, len(p.open))
	}
	if p.open == nil {
		p.open = make(map[uint32]struct{})
	}
	p.open[number] = struct{}{}
	return nil
}

// end takes it out again, and reports whether it was there.
func (p *purges) end(number uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, found := p.open[number]
	delete(p.open, number)
	return found
}

// takePurge passes a Purge to the owner. Its answer goes out when the owner has done it; the app waits for it.
func (r *controlReader) takePurge(f wire.Frame) error {
	c := r.conn
	c.mu.Lock()
	early := c.boot < bootSent
	c.mu.Unlock()
	if early {
		return wire.Errorf(nil, "a Purge before the boot")
	}
	m, err := wire.DecodePurge(f.Payload)
	if err != nil {
		return err
	}
	number := f.Stream
	if err := c.purges.begin(number); err != nil {
		return err
	}
	c.owner.Purge(m, func(removed int, failure error) {
		if !c.purges.end(number) {
			return
		}
		why := ""
		if failure != nil {
			why = failure.Error()
		}
		_ = c.ctl.send(false, func(b []byte) ([]byte, error) {
			return wire.AppendPurged(b, number, removed, why)
		}) // fails when the worker is gone: there is no app that waits
	})
	return nil
}
