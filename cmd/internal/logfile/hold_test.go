package logfile

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// page is a writer that may be read meanwhile.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) { p.mu.Lock(); defer p.mu.Unlock(); return p.b.Write(b) }
func (p *page) text() string                { p.mu.Lock(); defer p.mu.Unlock(); return p.b.String() }

// What was written before Hold is out when it returns; what comes later is out after Release, in order; a second Hold and a
// second Release change nothing.
func TestOutletHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(page)
		o := NewOutlet(p, counted)
		for round := range 3 {
			before := p.text()
			fmt.Fprintf(o, "before %d\n", round)
			o.Hold()
			o.Hold()
			if got := p.text(); got != before+fmt.Sprintf("before %d\n", round) {
				t.Fatalf("%q", got)
			}
			want := p.text()
			for i := range 100 {
				fmt.Fprintf(o, "held %d\n", i)
				want += fmt.Sprintf("held %d\n", i)
			}
			synctest.Wait()
			if strings.HasSuffix(p.text(), "held 99\n") {
				t.Fatal("it was not held back")
			}
			o.Release()
			o.Release()
			synctest.Wait()
			if p.text() != want {
				t.Fatalf("%q", p.text())
			}
		}
		o.Close()
	})
}

// What is held back beyond the limit is counted, and Close writes what is held.
func TestOutletHoldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(page)
		o := NewOutlet(p, counted)
		o.Hold()
		line := []byte(strings.Repeat("x", 1023) + "\n")
		total := 2 * outletLimit / len(line)
		for range total {
			_, _ = o.Write(line)
		}
		o.Close()
		s := p.text()
		var dropped int
		_, _ = fmt.Sscanf(s[max(0, strings.LastIndex(s, `"writes":`)):], `"writes":%d}`, &dropped)
		if n := strings.Count(s, "xxx\n"); dropped == 0 || n+dropped != total {
			t.Errorf("%d came, %d counted, of %d", n, dropped, total)
		}
	})
}
