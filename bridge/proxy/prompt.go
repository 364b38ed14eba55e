package proxy

import (
	"net/http"
	"sync"
	"time"
)

// prompt writes a body whose parts do not wait for each other. The head goes out with the first one, or by a timer if that
// does not come at once.
type prompt struct {
	w     http.ResponseWriter
	flush func() error
	timer *time.Timer // for the head

	mu   sync.Mutex
	sent bool // the head has been sent, or the response is over
}

func newPrompt(w http.ResponseWriter) *prompt {
	p := &prompt{w: w, flush: http.NewResponseController(w).Flush}
	p.mu.Lock() // until the timer is set
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(0, p.head)
	return p
}

func (p *prompt) head() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sent {
		p.sent = true
		_ = p.flush() // a failure shows in Write
	}
}

func (p *prompt) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = true
	n, err := p.w.Write(b)
	if err == nil {
		_ = p.flush() // a failure shows in the next Write
	}
	return n, err
}

// stop returns when the timer writes nothing more.
func (p *prompt) stop() {
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = true
}
