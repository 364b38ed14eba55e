package compress

import (
	"bytes"
	"errors"
	"math/rand"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// noise hardly becomes smaller.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.New(rand.NewSource(1)).Read(p)
	return p
}

// stuck is a client that takes nothing until free is closed.
type stuck struct{ reached, free chan struct{} }

func (s stuck) Write([]byte) (int, error) {
	s.reached <- struct{}{}
	<-s.free
	return 0, errors.New("the client has disconnected")
}

// Clients that take nothing do not keep others from their answers.
func TestSlowClientsHoldNoSlot(t *testing.T) {
	c := coders{level: Quick}
	s := stuck{make(chan struct{}), make(chan struct{})}
	failed := make(chan error)
	clients := runtime.GOMAXPROCS(0) + 1 // more than there are slots
	for range clients {
		go func() {
			z, err := c.get("gzip", s)
			if err == nil {
				_, err = z.Write(noise(1 << 20))
				z.free()
			}
			failed <- err
		}()
		<-s.reached
	}
	if _, err := NewEncoder(Thorough).Encode("gzip", noise(1<<20)); err != nil {
		t.Error(err)
	}
	close(s.free)
	for range clients {
		if err := <-failed; err == nil {
			t.Error("an answer that its client did not take has no error")
		}
	}
}

// All that computes while the server runs has a slot; what is done ahead of time needs none.
func TestEncodersTakeSlots(t *testing.T) {
	for level, slots := range map[Level]bool{Quick: true, Thorough: true, Best: false} {
		synctest.Test(t, func(t *testing.T) {
			var taken []func()
			for range max(runtime.GOMAXPROCS(0)-1, 1) {
				taken = append(taken, cpu.Slot())
			}
			ended := false
			go func() {
				if _, err := NewEncoder(level).Encode("gzip", noise(1000)); err != nil {
					t.Error(err)
				}
				ended = true
			}()
			synctest.Wait()
			if ended == slots {
				t.Errorf("level %d: ended %v while all slots were taken", level, ended)
			}
			for _, done := range taken {
				done()
			}
			synctest.Wait()
			if !ended {
				t.Errorf("level %d: waits though all slots are free", level)
			}
		})
	}
}

// Memory for what waits to be written is bounded, and nothing of it is lost.
func TestStreamBatches(t *testing.T) {
	text := noise(1 << 20)
	for _, coding := range Codings {
		c := coders{level: Quick}
		var got bytes.Buffer
		var largest int
		z, err := c.get(coding, writer(func(p []byte) (int, error) {
			largest = max(largest, len(p))
			return got.Write(p)
		}))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := z.Write(text); n != len(text) || err != nil {
			t.Errorf("%s: %d bytes taken, %v", coding, n, err)
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
		z.free()
		if decode(t, coding, &got) != string(text) {
			t.Errorf("%s: another text comes back", coding)
		}
		if largest > 512<<10 {
			t.Errorf("%s: %d bytes at a time", coding, largest)
		}
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
