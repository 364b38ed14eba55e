package output

import (
	"io"
	"strings"
	"sync"
	"time"
)

const (
	stacksMost = 1 << 20                // bytes of stacks that are kept at most
	stacksRest = 100 * time.Millisecond // a gap after which the stacks are complete
)

// Stacks collects the stacks that one process writes: faulthandler writes them to a pipe in small pieces, the shim sends them
// in a message.
type Stacks struct {
	came chan struct{} // capacity 1: there is more text

	mu   sync.Mutex
	text strings.Builder
}

// NewStacks returns an empty collector.
func NewStacks() *Stacks { return &Stacks{came: make(chan struct{}, 1)} }

// Add takes a piece. When too much waits for a question, it is dropped.
func (s *Stacks) Add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len()+len(text) > stacksMost {
		s.text.Reset()
		text = text[:min(len(text), stacksMost)]
	}
	s.text.WriteString(text)
	select {
	case s.came <- struct{}{}:
	default:
	}
}

// Follow takes what faulthandler writes, until the pipe ends.
func (s *Stacks) Follow(r io.Reader) {
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			s.Add(strings.ToValidUTF8(string(buf[:n]), "?"))
		}
		if err != nil {
			return
		}
	}
}

// Take returns what is there, and forgets it.
func (s *Stacks) Take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.String()
	s.text.Reset()
	select {
	case <-s.came:
	default:
	}
	return text
}

// Collect returns what comes until nothing more has come for a moment, for at most limit.
func (s *Stacks) Collect(limit time.Duration) string {
	end := time.After(limit)
	var quiet <-chan time.Time
	if s.any() {
		quiet = time.After(stacksRest)
	}
	for {
		select {
		case <-s.came:
			quiet = time.After(stacksRest)
			continue
		case <-quiet:
		case <-end:
			return s.Take()
		}
		select {
		case <-s.came: // both, on a machine that stood still
			quiet = time.After(stacksRest)
		default:
			return s.Take()
		}
	}
}

func (s *Stacks) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Len() > 0
}
