package cache

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// transfer is a body that is on its way from the app to one or more clients, each of which reads
// it at its own speed. While it may be stored, all of it is kept: in memory, then in a file. Else
// the app is no more than a window ahead of the slowest client.
//
// One goroutine writes; each reader belongs to one goroutine.
type transfer struct {
	largest int64   // what may be kept in memory; bytes
	most    int64   // what may be kept in a file; bytes
	files   Creator // nil: there are no files
	budget  *budget // of what all transfers keep in memory

	mu       sync.Mutex
	buf      []byte // bytes from base on; those that a reader has do not change
	base     int64
	size     int64 // bytes that have come
	flushed  int64 // the app wants these to be on their way
	declared int64 // Content-Length; -1: none. Set before a client reads
	latest   int64 // bytes of the last write
	file     *os.File
	inFile   int64 // bytes in file, from the beginning
	bounded  bool  // it is not kept any more
	large    bool  // because it is too large, now and the next time; the writer's
	ended    bool
	err      error // of a transfer that has ended before its body
	readers  []*reader
	charged  int64         // bytes of budget
	released bool          // the file is not stored, or was
	wake     chan struct{} // closed when something has changed; nil: no reader waits
	room     chan struct{} // closed when a reader has moved or left; nil: the writer does not wait
}

// reader is one client's place.
type reader struct {
	off     int64
	flushed int64 // what was flushed to the client; -1: nothing
}

// window is how far the app may be ahead of the slowest client when the body is not kept; bytes.
const window = 64 << 10

// errNoReader: no client is left that wants the body, and it is not kept.
var errNoReader = errors.New("no client reads the response any more")

// attach adds a reader of the whole body; nil: its beginning is not kept any more.
func (t *transfer) attach() *reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bounded && t.size > 0 || t.released && t.inFile > 0 {
		return nil
	}
	r := &reader{flushed: -1}
	t.readers = append(t.readers, r)
	return r
}

// detach removes a reader.
func (t *transfer) detach(r *reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.readers {
		if other == r {
			t.readers = append(t.readers[:i], t.readers[i+1:]...)
			break
		}
	}
	t.moved()
	t.closeFile()
}

// release says that nothing but readers needs the file any more.
func (t *transfer) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.released && t.file == nil {
		t.budget.give(t.charged)
	}
	t.released = true
	t.closeFile()
}

// closeFile closes a file that nothing needs any more. mu is held.
func (t *transfer) closeFile() {
	if t.released && t.file != nil && len(t.readers) == 0 {
		t.file.Close()
		t.file = nil
	}
}

// moved frees what no reader needs any more. mu is held.
func (t *transfer) moved() {
	if !t.bounded {
		return
	}
	if low := t.lowest(); low > t.base {
		t.buf = t.buf[low-t.base:]
		t.base = low
	}
	if t.room != nil {
		close(t.room)
		t.room = nil
	}
}

// lowest is where the slowest reader is. mu is held.
func (t *transfer) lowest() int64 {
	low := t.size
	for _, r := range t.readers {
		low = min(low, r.off)
	}
	return max(low, t.base)
}

// bound has the body kept no more.
func (t *transfer) bound() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bounded = true
	t.changed()
	t.moved()
}

// settled reports whether a body has come as a whole (kept), or is not kept any more (neither), or has ended before its end (err); else
// wake is closed when something has changed.
func (t *transfer) settled() (kept bool, wake <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.bounded || t.ended:
		return !t.bounded && t.err == nil, nil, t.err
	case t.wake == nil:
		t.wake = make(chan struct{})
	}
	return false, t.wake, nil
}

// write adds p, which is not used afterwards. cancel ends a wait for the clients.
func (t *transfer) write(p []byte, cancel <-chan struct{}) error {
	for len(p) > 0 {
		n, room, err := t.take(p)
		if err != nil {
			return err
		}
		p = p[n:]
		if room != nil {
			select {
			case <-room:
			case <-cancel:
				return errNoReader
			}
		}
	}
	return nil
}

// take takes some of p. room is not nil: there is none before it is closed.
func (t *transfer) take(p []byte) (n int, room <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.bounded {
		if !t.keep(int64(len(p))) {
			return 0, nil, nil
		}
		if t.file != nil {
			return t.append(p)
		}
		t.add(p)
		return len(p), nil, nil
	}
	if len(t.readers) == 0 {
		return 0, nil, errNoReader
	}
	free := window - (t.size - t.lowest())
	if free <= 0 {
		t.room = make(chan struct{})
		return 0, t.room, nil
	}
	n = int(min(free, int64(len(p))))
	t.add(p[:n])
	return n, nil, nil
}

// add adds p in memory. mu is held.
func (t *transfer) add(p []byte) {
	t.buf = append(t.buf, p...)
	t.size, t.latest = t.size+int64(len(p)), int64(len(p))
	t.changed()
}

// keep makes room for n more bytes that are kept; false: they are not kept any more. mu is held.
func (t *transfer) keep(n int64) bool {
	switch {
	case t.file != nil && t.size+n <= t.most, t.file == nil && t.size+n <= t.largest && t.budget.take(n):
		if t.file == nil {
			t.charged += n
		}
		return true
	case t.file == nil && t.files != nil && t.size+n <= t.most:
		t.mu.Unlock() // no reader waits for the disk
		f, err := t.files.Create()
		if err == nil {
			done := spool.Disk()
			_, err = f.WriteAt(t.buf, 0)
			done()
			if err != nil {
				f.Close()
				t.files.WriteFailed(err)
			}
		}
		t.mu.Lock()
		if err == nil {
			t.file, t.inFile = f, t.size
			t.buf, t.base = nil, t.size
			t.budget.give(t.charged)
			t.charged = 0
			return true
		}
	}
	t.bounded, t.large = true, t.size+n > t.most || t.files == nil && t.size+n > t.largest
	t.changed()
	return false
}

// append adds p to the file. mu is held.
func (t *transfer) append(p []byte) (n int, room <-chan struct{}, err error) {
	at := t.size
	t.mu.Unlock()
	done := spool.Disk()
	_, err = t.file.WriteAt(p, at)
	done()
	if err != nil { // the disk is full
		t.files.WriteFailed(err)
	}
	t.mu.Lock()
	if err != nil {
		t.bounded = true
		t.changed()
		return 0, nil, nil
	}
	t.size, t.latest = t.size+int64(len(p)), int64(len(p))
	t.inFile, t.base = t.size, t.size
	t.changed()
	return len(p), nil, nil
}

// flush has what was written so far be on its way.
func (t *transfer) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flushed != t.size {
		t.flushed = t.size
		t.changed()
	}
}

// end ends the transfer; err nil: the body is complete.
func (t *transfer) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.err = true, err
	t.changed()
}

// changed wakes the readers. mu is held.
func (t *transfer) changed() {
	if t.wake != nil {
		close(t.wake)
		t.wake = nil
	}
}

// progress is what a reader finds.
type progress struct {
	bytes []byte   // they do not change
	file  *os.File // n bytes of it, from the reader's place on
	n     int64
	flush bool            // what was read so far is to be flushed
	wake  <-chan struct{} // nothing has come yet
	ended bool
	err   error
}

// next returns what there is for r to read. The last bytes of a body whose length clients know wait for the end of the fetch, unless the
// app flushes them: a client that has all of a response, and asks again, finds it stored.
func (t *transfer) next(r *reader) (p progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ready := t.size
	if t.size == t.declared && t.size > t.flushed && !t.ended && !t.bounded {
		ready -= t.latest
	}
	switch {
	case r.off < min(t.inFile, ready):
		p.file, p.n = t.file, min(t.inFile, ready)-r.off
	case r.off < ready:
		p.bytes = t.buf[r.off-t.base : ready-t.base]
	case t.ended:
		p.ended, p.err = true, t.err
	default:
		if p.flush = t.flushed >= r.off && r.flushed < r.off; p.flush {
			r.flushed = r.off
			return p
		}
		if t.wake == nil {
			t.wake = make(chan struct{})
		}
		p.wake = t.wake
	}
	return p
}

// advance moves r by n bytes.
func (t *transfer) advance(r *reader, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.off += n
	t.moved()
}

// total is the size of a body that has come as a whole; -1: it has not.
func (t *transfer) total() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended && t.err == nil {
		return t.size
	}
	return -1
}

// body is the whole body, when all of it has come; false: it was not kept. The file stays the transfer's.
func (t *transfer) body() (b Body, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bounded {
		return b, false
	}
	if t.file != nil {
		return FileBody(t.file, 0, t.size), true
	}
	p := t.buf
	if cap(p)-len(p) > len(p)/4 {
		p = append(make([]byte, 0, len(p)), p...)
	}
	return BytesBody(p[:len(p):len(p)]), true
}

// follow sends the body to a client while it comes. gone is closed when the client disconnects.
func (r *reader) follow(t *transfer, w *httpx.Writer, gone <-chan struct{}) error {
	for {
		p := t.next(r)
		switch {
		case p.file != nil:
			n, err := content.File{File: p.file, SharedPosition: true}.SendTo(w, content.Span{Start: r.off, Length: p.n})
			t.advance(r, n)
			if err != nil {
				return err
			}
		case p.bytes != nil:
			if _, err := w.Write(p.bytes); err != nil {
				return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
			}
			t.advance(r, int64(len(p.bytes)))
		case p.ended:
			return p.err
		case p.flush:
			if err := w.FlushError(); err != nil {
				return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
			}
		default:
			select {
			case <-p.wake:
			case <-gone:
				return httpx.ErrClientGone
			}
		}
	}
}
