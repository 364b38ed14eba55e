package wsgi

import (
	"fmt"
	"io"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// response passes the answer of an attempt on to the client. It knows no Pool.
type response struct {
	o    *Options
	log  *records
	w    *httpx.Writer
	r    *http.Request
	pump pump // of an answer that goes on after its first bytes
}

// begin prepares p for the response to r.
func (p *response) begin(o *Options, log *records, w *httpx.Writer, r *http.Request) {
	p.o, p.log, p.w, p.r = o, log, w, r
}

// pass passes the answer on. The head goes out with the first bytes of the body, or
// with its end (PEP 3333, "Handling the Unknown"): until then every error can still be
// answered. Later errors wrap errCut.
func (p *response) pass(a *attempt) error {
	first, err := p.awaitHead(a)
	if err != nil {
		return err
	}
	raw := first.Head
	h, err := checkHead(raw)
	if err != nil {
		return err
	}
	if name := p.o.internalField(raw); name != "" {
		return p.passInternal(a, raw, h, name)
	}
	e, err := a.wait()
	switch {
	case err != nil:
		return err
	case e.Kind == shim.EventFile:
		return p.passFile(a, raw, h, e.File)
	}
	a.begin()
	size, whole := first.Size, first.Size >= 0
	if e.Kind == shim.EventEnd {
		size, whole = 0, true
	}
	p.setFields(raw.Fields)
	if !p.hasBody(h.status) {
		e.Free()
		p.endWithoutBody(h, size, whole)
		return nil
	}
	if h.length >= 0 {
		p.setLength(h.length)
	} else if whole {
		p.setLength(size)
	}
	p.writeHead(h)
	return cut(p.copyBody(a, h, e, whole))
}

// cut marks an error that comes after the head.
func cut(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return nil
}

// hasBody: RFC 9110 6.4.1, 15.3.6.
func (p *response) hasBody(status int) bool {
	return status != http.StatusResetContent && p.r.Method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// endWithoutBody answers HEAD, 204, 205 and 304. A body that the app gives all the same
// is not waited for. The length is the app's; that of a HEAD's own body counts
// when there is one: most frameworks send none, which says nothing about the GET.
func (p *response) endWithoutBody(h head, size int64, whole bool) {
	switch {
	case h.status == http.StatusNoContent: // RFC 9110 8.6: no length
	case h.status == http.StatusResetContent: // RFC 9110 15.3.6: it has no content, and says so
		p.setLength(0)
	case h.length >= 0:
		p.setLength(h.length)
	case whole && size > 0 && p.r.Method == http.MethodHead && h.status != http.StatusNotModified:
		p.setLength(size)
	}
	p.writeHead(h)
}

// copyBody sends the body, which begins with e. whole: e is all of it.
func (p *response) copyBody(a *attempt, h head, e shim.Event, whole bool) error {
	if !whole && !h.straight {
		p.pump.watch(p, a, h.length)
		defer p.pump.stop()
	}
	got := int64(0)
	for e.Kind == shim.EventBody {
		keep, over := p.clip(h.length, got, e.Body)
		got += int64(len(keep))
		p.pump.writing(got)
		err := p.write(keep, !whole && !over)
		e.Free()
		if err != nil || over { // the rest is not waited for
			return err
		}
		if p.pump.runs() {
			return p.drain()
		}
		if whole {
			break
		}
		if e, err = a.wait(); err != nil {
			p.flush()
			return err
		}
	}
	err := p.ended(h.length, got)
	if err != nil {
		p.flush()
	}
	return err
}

// drain sends what the pump has taken.
func (p *response) drain() error {
	for {
		b, more, err := p.pump.pipe.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			p.flush()
			return err
		}
		if err := p.write(b, !more); err != nil {
			return err
		}
	}
}

// clip returns what of b the declared length has room for; -1: none is declared.
// got bytes came before; over: b holds more.
func (p *response) clip(length, got int64, b []byte) (keep []byte, over bool) {
	if n := got + int64(len(b)); length >= 0 && n > length {
		p.log.lengthMismatch(length, n, "the body is longer than its Content-Length: what is too much was cut off")
		return b[:length-got], true
	}
	return b, false
}

// ended checks the length of an answer that the app has ended.
func (p *response) ended(length, got int64) error {
	if got >= length {
		return nil
	}
	p.log.lengthMismatch(length, got, "the body is shorter than its Content-Length: the connection was closed, so that the client can tell")
	return errShort
}

// write sends bytes to the client; an error means that the client has left, or that the
// connection has ended it for being too slow.
func (p *response) write(b []byte, flush bool) error {
	_, err := p.w.Write(b)
	if err == nil && flush {
		err = p.w.FlushError()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return nil
}

// flush sends what is buffered before the connection is broken, so that the
// client has the head and can tell that the body is cut.
func (p *response) flush() { _ = p.w.FlushError() }

// writeHead sends status and fields.
func (p *response) writeHead(h head) {
	p.w.Phrase(h.status, h.reason)
	p.w.WriteHeader(h.status)
}

// internalField is the field by which the app asks for a file of the server's;
// empty: it does not, or the field has no meaning here.
func (o *Options) internalField(raw *wire.Head) string {
	switch {
	case len(o.SendfileRoots) > 0 && raw.Get(sendfileField) != "":
		return sendfileField
	case len(o.Internal) > 0 && raw.Get(accelField) != "":
		return accelField
	}
	return ""
}
