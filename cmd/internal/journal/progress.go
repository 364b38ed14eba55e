package journal

import (
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

// Start is how far one app is with its first start.
type Start struct {
	Hello *wire.Hello // of the first worker; nil: no interpreter has run
	Ready *wire.Ready // of the first worker; nil: none is ready
	// Count of workers that are ready, of Of; Took is the time since the start
	// until the last of them was.
	Count, Of int
	Took      time.Duration
	// Failed: a worker could not boot, and none has been ready since.
	Failed bool
}

// Progress follows the first start of the apps.
type Progress struct {
	began time.Time

	mu      sync.Mutex
	apps    map[string]*Start
	changed chan struct{} // capacity 1
}

// NewProgress begins to count now.
func NewProgress() *Progress {
	return &Progress{began: time.Now(), apps: map[string]*Start{}, changed: make(chan struct{}, 1)}
}

// Event takes note of e.
func (p *Progress) Event(e supervisor.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case supervisor.WorkerHello:
		if s := p.start(e.App); s.Hello == nil {
			s.Hello = e.Hello
		}
	case supervisor.WorkerReady:
		s := p.start(e.App)
		if s.Ready == nil {
			s.Ready = e.Ready
		}
		s.Count, s.Of, s.Took, s.Failed = e.Count, e.Of, time.Since(p.began), false
	case supervisor.BootFailure:
		p.start(e.App).Failed = true
	default:
		return
	}
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *Progress) start(app string) *Start {
	s := p.apps[app]
	if s == nil {
		s = new(Start)
		p.apps[app] = s
	}
	return s
}

// Of returns how far the app is.
func (p *Progress) Of(app string) Start {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.start(app)
}

// Changed gets a value after each change.
func (p *Progress) Changed() <-chan struct{} { return p.changed }
