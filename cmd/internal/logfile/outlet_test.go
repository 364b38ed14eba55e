package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counted is the record of dropped writes.
func counted(writes int) []byte {
	return fmt.Appendf(nil, "{\"event\":\"log_dropped\",\"writes\":%d}\n", writes)
}

func TestOutletKeepsOrderAndAll(t *testing.T) { synctest.Test(t, keepsOrderAndAll) }

func keepsOrderAndAll(t *testing.T) {
	var b bytes.Buffer
	o := NewOutlet(&b, counted)
	var want strings.Builder
	for i := range 1000 {
		line := strings.Repeat("x", i%50) + "\n"
		want.WriteString(line)
		if n, err := o.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	o.Close()
	if b.String() != want.String() {
		t.Errorf("%d bytes arrived of %d", b.Len(), want.Len())
	}
}

// A reader that takes nothing: no writer waits, memory is bounded, and
// what was dropped is counted once there is room.
func TestOutletWithoutAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := NewOutlet(w, counted)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 2 * outletLimit / len(line) {
			_, _ = o.Write(line)
		}
		synctest.Wait()
		o.mu.Lock()
		kept, dropped := len(o.buffered), o.dropped
		o.mu.Unlock()
		if kept > outletLimit || dropped == 0 {
			t.Errorf("%d bytes kept, %d writes dropped", kept, dropped)
		}
		got := make(chan string, 1)
		go func() {
			var b strings.Builder
			buf := make([]byte, 1<<20)
			for {
				n, err := r.Read(buf)
				b.Write(buf[:n])
				if err != nil {
					break
				}
			}
			got <- b.String()
		}()
		synctest.Wait()
		_, _ = o.Write([]byte("after\n"))
		o.Close()
		w.Close()
		s := <-got
		if lines := strings.Count(s, "xxx\n"); lines+dropped != 2*outletLimit/len(line) || !strings.Contains(s, "log_dropped") || !strings.HasSuffix(s, "after\n") {
			t.Errorf("%d lines came, %d were dropped; the end: %q", lines, dropped, s[max(0, len(s)-100):])
		}
	})
}

// What was dropped last is counted too, although nothing is written after it.
func TestOutletCountsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := NewOutlet(w, counted)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		total := 2 * outletLimit / len(line)
		for range total {
			_, _ = o.Write(line)
		}
		got := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(r)
			got <- string(b)
		}()
		synctest.Wait()
		o.Close()
		w.Close()
		s := <-got
		var dropped int
		_, _ = fmt.Sscanf(s[strings.LastIndex(s, `"writes":`):], `"writes":%d}`, &dropped)
		if n := strings.Count(s, "xxx\n"); dropped == 0 || n+dropped != total {
			t.Errorf("%d came, %d counted, of %d", n, dropped, total)
		}
	})
}

func TestOutletCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := NewOutlet(w, counted)
		_, _ = o.Write([]byte("nobody reads this"))
		began := time.Now()
		o.Close()
		if d := time.Since(began); d != lastWords {
			t.Errorf("closed after %v", d)
		}
		r.Close() // so that its goroutine ends
		synctest.Wait()
	})
}

// A slow reader gets all, up to the last line, while it reads.
func TestOutletCloseWaitsForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		o := NewOutlet(w, counted)
		line := []byte(strings.Repeat("x", 999) + "\n")
		const lines = 600
		for range lines {
			_, _ = o.Write(line)
		}
		got := make(chan []byte)
		go func() {
			var all []byte
			p := make([]byte, piece)
			for {
				n, err := r.Read(p)
				if all = append(all, p[:n]...); err != nil {
					got <- all
					return
				}
				time.Sleep(lastWords / 2)
			}
		}()
		o.Close()
		w.Close()
		if b := <-got; !bytes.Equal(b, bytes.Repeat(line, lines)) {
			t.Errorf("%d bytes of %d came", len(b), lines*len(line))
		}
	})
}

func TestOutletWhoseReaderHasLeft(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(errors.New("gone"))
	o := NewOutlet(w, counted)
	_, _ = o.Write([]byte("x"))
	<-o.done
	for range 100 {
		_, _ = o.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	if len(o.buffered) > 1 {
		t.Errorf("%d bytes are kept without a reader", len(o.buffered))
	}
	o.Close()
}
