package output

import (
	"io"
	"strings"
	"time"
)

const (
	stacksWait = 20 * time.Millisecond // how long a piece waits until a reader takes the pieces before it
	stacksMost = 1 << 20               // bytes of stacks that are kept at most
	stacksRest = 30 * time.Millisecond // a gap after which the stacks are complete
)

// Stacks collects the stacks that one process writes: faulthandler writes them to a pipe in small pieces, the shim sends them
// in a message.
type Stacks struct{ pieces chan string }

// NewStacks returns an empty collector.
func NewStacks() *Stacks { return &Stacks{make(chan string, 8)} }

// Add takes a piece; it is dropped when too many pieces wait.
func (s *Stacks) Add(text string) {
	select {
	case s.pieces <- text:
	default:
	}
}

// Follow takes what faulthandler writes, until the pipe ends.
func (s *Stacks) Follow(r io.Reader) {
	buf := make([]byte, 4<<10)
	pending := ""
	for {
		n, err := r.Read(buf)
		if n > 0 {
			// faulthandler writes word by word: a piece that cannot be taken is joined to the next one.
			pending += strings.ToValidUTF8(string(buf[:n]), "?")
			select {
			case s.pieces <- pending:
				pending = ""
			case <-time.After(stacksWait):
				if len(pending) > stacksMost { // no reader asked for them
					pending = ""
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// Drain removes the pieces that wait and passes each of them to old.
func (s *Stacks) Drain(old func(text string)) {
	for {
		select {
		case text := <-s.pieces:
			old(text)
		default:
			return
		}
	}
}

// Collect joins pieces until none came for a moment, for at most limit.
func (s *Stacks) Collect(limit time.Duration) string {
	var b strings.Builder
	end := time.After(limit)
	for {
		var quiet <-chan time.Time
		if b.Len() > 0 {
			quiet = time.After(stacksRest)
		}
		select {
		case text := <-s.pieces:
			if b.WriteString(text); b.Len() > stacksMost { // more than any process has
				return b.String()[:stacksMost]
			}
		case <-quiet:
			return b.String()
		case <-end:
			return b.String()
		}
	}
}
