package proxy

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// pump takes a response from its upstream while the client is slow, so that the upstream, its connection and its place
// among max_conns do not wait for the client. It starts when the client has been waited for as long as its patience, in all;
// a response whose client keeps up goes straight through, without a goroutine. From its start on it alone reads from the
// upstream, and the response reads its pipe.
type pump struct {
	b *watched

	mu    sync.Mutex
	waits spool.Patience // of the upstream for the client; starts the pump
	over  bool           // do not start any more

	pipe   *spool.Pipe        // nil: it was not started
	rest   []byte             // of what the pipe has given, for the response
	cancel context.CancelFunc // ends a wait for room in the pipe
	done   chan struct{}      // closed when the goroutine has ended
}

// mayWait reports whether the response may wait for the client. Not where the upstream asks for the contrary, as it would ask
// nginx; nor for gRPC, whose flow control is the upstream's own.
func (h *Handler) mayWait(resp *upstream.Response) bool {
	return !h.Straight && !strings.EqualFold(resp.Get("X-Accel-Buffering"), "no") && !isGRPC(resp.Get("Content-Type"))
}

// isGRPC reports whether a message is gRPC's: both sides talk at the same time.
func isGRPC(contentType string) bool { return strings.HasPrefix(contentType, "application/grpc") }

// writing: the response is about to write to the client.
func (u *pump) writing() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waits.Wait(u.start)
}

// written: the response has written. If the pump runs, the upstream is the pump's.
func (u *pump) written() (runs bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waits.Waited()
	return u.pipe != nil
}

// start starts the goroutine when the patience is used up.
func (u *pump) start() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over || !u.waits.UsedUp() {
		return
	}
	q := u.b.q
	u.pipe = q.h.Answers.Open(spool.ClientKey(q.info.RemoteAddr), u.answerSpool)
	u.done = make(chan struct{})
	var ctx context.Context
	ctx, u.cancel = context.WithCancel(context.Background()) // stop ends it
	go u.run(ctx)
}

// run reads the rest of the response, however long the client takes. Then the upstream is free.
func (u *pump) run(ctx context.Context) {
	defer close(u.done)
	b := u.b
	buf := copies.Get()
	defer copies.Put(buf)
	for {
		n, err := b.take(buf[:])
		if n > 0 && u.pipe.Write(ctx, buf[:n]) != nil {
			err = httpx.ErrClientGone
		}
		if err == nil {
			continue
		}
		if b.q.cut != nil { // now: the record is not to wait for the client
			b.q.report(b.q.cut, 0)
			b.q.cut = nil
		}
		b.free()
		u.pipe.CloseWrite(err)
		return
	}
}

// read gives the response what has waited.
func (u *pump) read(p []byte) (int, error) {
	if len(u.rest) == 0 {
		b, _, err := u.pipe.Next()
		if err != nil {
			return 0, err
		}
		u.rest = b
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// stop ends the goroutine, waits for it, and frees what waits in the pipe.
func (u *pump) stop() {
	u.mu.Lock()
	u.over = true
	u.waits.Stop()
	u.mu.Unlock()
	if u.pipe == nil {
		return
	}
	u.cancel()
	select {
	case <-u.done:
	default: // the client takes no more
		u.b.q.ending.Cancel(httpx.ErrClientGone)
		<-u.done
	}
	u.pipe.Close()
	u.pipe = nil
}

// watched is the body of an upstream's response. It bounds the upstream's silence, keeps why the response ended before its
// end, and lets go of the upstream when the response has been read.
type watched struct {
	q       *request
	from    io.ReadCloser // the upstream's
	silence *time.Timer   // nil: it is not bounded
	pump    *pump         // nil: the upstream waits for the client
	freed   bool
}

func (q *request) watch(resp *upstream.Response) {
	b := &watched{q: q, from: resp.Body}
	if w, ok := b.from.(interface{ Whole() bool }); ok && w.Whole() { // nothing waits for the upstream, nor the upstream for the client
		resp.Body = b
		return
	}
	if d := q.h.ReadTimeout; d > 0 {
		q.lent = true // the timer may be late
		b.silence = time.AfterFunc(d, func() { q.ending.Cancel(errSilent) })
		b.silence.Stop()
	}
	if q.h.mayWait(resp) {
		b.pump = &pump{b: b}
	}
	resp.Body = b
}

// Read is for the response, which writes to the client in between.
func (b *watched) Read(p []byte) (int, error) {
	if b.pump == nil {
		return b.take(p)
	}
	if b.pump.written() {
		return b.pump.read(p)
	}
	n, err := b.take(p)
	if err == nil {
		b.pump.writing()
	}
	return n, err
}

// take reads from the upstream.
func (b *watched) take(p []byte) (int, error) {
	if b.silence != nil {
		b.silence.Reset(b.q.h.ReadTimeout)
		defer b.silence.Stop()
	}
	n, err := b.from.Read(p)
	if err != nil {
		if err != io.EOF {
			b.q.cut = b.q.cause(err)
		}
		b.q.release()
	}
	return n, err
}

// free closes the upstream's body.
func (b *watched) free() {
	if !b.freed {
		b.freed = true
		_ = b.from.Close() // what it was is known
	}
}

// Close ends the pump.
func (b *watched) Close() error {
	if b.pump != nil {
		b.pump.stop()
	}
	b.free()
	return nil
}

// answerSpool says that responses cannot be put into files; their upstreams wait.
func (u *pump) answerSpool(err error) {
	q := u.b.q
	if q.h.unspooled.Allow("", time.Now()) {
		q.h.Log.Warn("answer_spool", "upstream", q.asked.Name, "id", q.info.ID, "method", q.r.Method, "target", q.r.RequestURI, "error", err,
			"message", "responses to slow clients do not fit into memory and cannot be put into files (spool_dir, answer_total): their upstreams wait for the clients (said once a minute)")
	}
}
