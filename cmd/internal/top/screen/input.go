package screen

import (
	"os"
	"time"
)

// escapeTime is how long the rest of a sequence may take, also over a slow line. A lone Esc is a key after it.
const escapeTime = 100 * time.Millisecond

// Input reads keys.
type Input struct {
	// Keys are closed when the terminal is gone, or with Close.
	Keys <-chan Key

	quit, done chan struct{}
	ready      *ready
}

// NewInput begins to read a terminal. Close ends that.
func NewInput(in *os.File) (*Input, error) {
	r, err := newReady(in)
	if err != nil {
		return nil, err
	}
	keys := make(chan Key)
	i := &Input{Keys: keys, quit: make(chan struct{}), done: make(chan struct{}), ready: r}
	go i.read(in, keys)
	return i, nil
}

// Close returns when nothing is read any more.
func (i *Input) Close() {
	close(i.quit)
	i.ready.wake()
	<-i.done
	i.ready.close()
}

func (i *Input) read(in *os.File, keys chan<- Key) {
	defer close(i.done)
	defer close(keys)
	var d Decoder
	buf := make([]byte, 256)
	for {
		patience := time.Duration(-1)
		if d.Waits() {
			patience = escapeTime
		}
		typed, err := i.ready.wait(patience)
		if err != nil {
			return
		}
		var list []Key
		if typed {
			n, err := in.Read(buf)
			if err != nil || n == 0 {
				return
			}
			list = d.Feed(buf[:n])
		} else {
			list = d.Flush()
		}
		for _, key := range list {
			select {
			case keys <- key:
			case <-i.quit:
				return
			}
		}
	}
}
