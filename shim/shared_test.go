package shim

import (
	"errors"
	"testing"

	"github.com/standpipe/standpipe/shim/wire"
)

// FuzzShared has a worker name arbitrary places. What is lent lies within a block of
// an answer's, whole, and no block is lent twice.
func FuzzShared(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 15, 0, 0, 0, 1}, uint8(8))
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint8(8))
	f.Add([]byte{0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1}, uint8(8))
	f.Add([]byte{0, 0, 0}, uint8(3))
	m := newShared(make([]byte, sharedSize))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var lent []chunk
		defer func() {
			for _, c := range lent {
				c.free()
			}
			if m.lent != 0 {
				t.Fatalf("%d blocks are lent when all were given back", m.lent)
			}
		}()
		seen := map[int]bool{}
		for step := int(size) + 1; len(data) > 0; data = data[min(step-1, len(data)):] {
			c, err := m.lend(data[:min(step-1, len(data))])
			if pe := (*wire.ProtocolError)(nil); err != nil && !errors.As(err, &pe) {
				t.Fatal(err)
			}
			if err == nil {
				block := c.from.(*part).i
				if len(c.p) == 0 || len(c.p) > wire.MaxPart || cap(c.p) != len(c.p) || seen[block] || &c.p[0] != &m.mem[sharedStart+block*wire.MaxPart] {
					t.Fatalf("%d bytes of block %d", len(c.p), block)
				}
				seen[block] = true
				lent = append(lent, c)
			}
			if step == 1 {
				return
			}
		}
	})
}

// Beyond the budget of all workers together a worker's memory is not taken; what one that has gone gives back is.
func TestSharedBudget(t *testing.T) {
	b := new(SharedBudget)
	b.Limit(2*sharedSize + 1)
	for i, want := range []bool{true, true, false} {
		if b.take() != want {
			t.Errorf("%d has room: %v", i+1, !want)
		}
	}
	b.give()
	if !b.take() || b.take() {
		t.Error("one has room again")
	}
	b.Limit(0)
	if !b.take() || !(*SharedBudget)(nil).take() {
		t.Error("0 is no limit")
	}
}
