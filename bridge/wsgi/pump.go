package wsgi

import (
	"io"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
)

// pump takes an answer from its worker while the client is slow, so that a worker
// waits for nobody. It starts when the worker's credit runs low while the client
// is being written to, and the client has been waited for as long as patience:
// short answers, and those whose clients keep up, go straight through, without a
// goroutine. From its start on it alone reads the exchange, and the handler reads
// its pipe.
type pump struct {
	t      *turn
	c      *clock
	x      *shim.Exchange
	length int64 // as in head

	mu      sync.Mutex
	inWrite bool          // the handler is writing, and does not read the exchange
	behind  bool          // start when the patience is used up
	over    bool          // do not start any more
	got     int64         // octets of body that the handler has taken
	since   time.Time     // when the wait for the client began; zero: nobody waits
	left    time.Duration // of the patience
	timer   *time.Timer   // starts the pump; nil: the worker has always had credit
	pipe    *spool.Pipe
	done    chan struct{} // closed when the goroutine has ended; nil: it was not started
}

// patience is how long an answer's worker may wait for its client, in all: what the
// pump does for a client that keeps up costs more.
const patience = 10 * time.Millisecond

// watch makes the pump ready. stop must be called.
func (p *pump) watch(t *turn, c *clock, x *shim.Exchange, length int64) {
	p.t, p.c, p.x, p.length, p.left = t, c, x, length, patience
	x.Watch(p)
}

// Behind is for the exchange alone.
func (p *pump) Behind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = true
	p.wait()
}

// wait begins to wait for the client, if that is what is done. mu is held.
func (p *pump) wait() {
	if !p.inWrite || !p.behind || p.over || p.done != nil {
		return
	}
	p.since = time.Now()
	if p.timer == nil {
		p.timer = time.AfterFunc(p.left, p.start)
	} else {
		p.timer.Reset(p.left)
	}
}

// start starts the goroutine when the patience is used up.
func (p *pump) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() || time.Since(p.since) < p.left || p.over { // the write has ended, and this is late
		return
	}
	p.since = time.Time{}
	p.pipe = p.t.Answers.Open(spool.ClientKey(p.t.info.RemoteAddr), p.trouble)
	p.done = make(chan struct{})
	go p.run()
}

// writing: the handler writes now; it has taken got octets in all.
func (p *pump) writing(got int64) {
	if p.x == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inWrite, p.got = true, got
	p.wait()
}

// runs: the handler has written. If the pump runs, the exchange is the pump's.
func (p *pump) runs() bool {
	if p.x == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inWrite = false
	if !p.since.IsZero() {
		p.timer.Stop()
		p.left = max(p.left-time.Since(p.since), 0)
		p.since = time.Time{}
	}
	return p.done != nil
}

// stop ends the goroutine, waits for it and frees what waits in the pipe.
func (p *pump) stop() {
	p.mu.Lock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	if p.done == nil {
		return
	}
	p.c.cancel(httpx.ErrClientGone) // it may still run only when the client takes no more
	<-p.done
	p.pipe.Close()
}

// run closes the exchange when the app has ended, however long the client takes.
func (p *pump) run() {
	defer close(p.done)
	p.c.widen() // the pipe waits too
	err := p.take()
	if err != nil {
		// Now: neither a worker that is stuck nor the log is to wait for the client.
		err = p.t.reason(p.c, p.x, err)
		p.t.report(err)
	} else {
		err = io.EOF
	}
	p.t.close(p.x)
	p.pipe.CloseWrite(err)
}

// take passes the body on. nil: it is complete, or as long as it may be.
func (p *pump) take() error {
	got := p.got
	for {
		b, err := p.t.next(p.c, p.x)
		if err == io.EOF {
			return p.t.ended(p.length, got)
		}
		if err != nil {
			return err
		}
		keep, over := p.t.clip(p.length, got, b)
		if err := p.pipe.Write(p.c, keep); err != nil || over {
			return err
		}
		got += int64(len(keep))
		p.x.Done(b)
	}
}

// trouble says that answers cannot be put into files; their workers wait.
func (p *pump) trouble(err error) {
	t := p.t
	if t.spoolTrouble.Allow("", time.Now()) {
		t.Log.Warn("answer_spool", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker, "error", err,
			"hint", "answers to slow clients do not fit into memory and cannot be put into files (spool_dir, answer_total): their workers wait for the clients (said once a minute)")
	}
}
