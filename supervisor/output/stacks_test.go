package output

import (
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Many small pieces are all there, though the question comes later.
func TestStacksBeforeTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStacks()
		r, w := io.Pipe()
		var all sync.WaitGroup
		all.Go(func() { s.Follow(r) })
		for range 100 {
			_, _ = w.Write([]byte("ab"))
		}
		w.Close()
		all.Wait()
		if got := s.Collect(time.Second); got != strings.Repeat("ab", 100) {
			t.Errorf("%q", got)
		}
		if got := s.Collect(time.Second); got != "" {
			t.Errorf("%q once more", got)
		}
	})
}

func TestStacksAreCompleteAfterAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStacks()
		s.Add("of an earlier question")
		if got := s.Take(); got != "of an earlier question" {
			t.Errorf("%q", got)
		}
		began := time.Now()
		go func() {
			for range 3 {
				time.Sleep(stacksRest / 2)
				s.Add("x")
			}
		}()
		if got, took := s.Collect(time.Hour), time.Since(began); got != "xxx" || took != 5*stacksRest/2 {
			t.Errorf("%q after %v", got, took)
		}
		for range 3 {
			s.Add(strings.Repeat("y", stacksMost/2+1))
		}
		if got := s.Collect(time.Hour); len(got) != stacksMost/2+1 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
