package screen

import (
	"os"
	"sync"

	"golang.org/x/term"
)

// Terminal is one in raw mode that shows the alternate screen.
type Terminal struct {
	in, out *os.File

	mu    sync.Mutex
	state *term.State // what it was before; nil: it is restored
}

// Open begins raw mode and the alternate screen. Close must be called, however the program ends.
func Open(in, out *os.File) (*Terminal, error) {
	t := &Terminal{in: in, out: out}
	return t, t.Resume()
}

// Resume begins raw mode again after Close.
func (t *Terminal) Resume() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != nil {
		return nil
	}
	state, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return err
	}
	t.state = state
	_, err = t.out.WriteString(enter)
	return err
}

// Again begins raw mode and the alternate screen once more: another program may have changed them while this one was
// stopped.
func (t *Terminal) Again() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return nil
	}
	if _, err := term.MakeRaw(int(t.in.Fd())); err != nil {
		return err
	}
	_, err := t.out.WriteString(enter)
	return err
}

// Close restores the terminal. It may be called several times, from any goroutine.
func (t *Terminal) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return
	}
	_, _ = t.out.WriteString(leave)
	_ = term.Restore(int(t.in.Fd()), t.state)
	t.state = nil
}

// Size is the number of columns and rows; 80 and 24 if the terminal does not say.
func (t *Terminal) Size() (w, h int) {
	w, h, err := term.GetSize(int(t.out.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 80, 24
	}
	return min(w, 1000), min(h, 500)
}

// Write shows a frame.
func (t *Terminal) Write(frame []byte) (int, error) { return t.out.Write(frame) }
