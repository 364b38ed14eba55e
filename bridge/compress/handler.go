package compress

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of the stage New.
type Options struct {
	// Codings are offered to clients, in order of preference.
	Codings []string
	// Types are compressed.
	Types httpx.TypeList
	// MinSize is the smallest answer of known length that is compressed; bytes.
	MinSize int64
}

// New is the stage that compresses the answers of next, while they come: what next flushes
// has gone out when Flush returns.
func New(o Options) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &handler{o: o, next: next, coders: coders{level: Quick}} }
}

type handler struct {
	o            Options
	next         http.Handler
	coders       coders
	strong, weak atomic.Bool // the app has sent tags of that kind
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httpx.Find(w)
	if rec == nil { // used without the chain
		rec = new(httpx.Writer)
		rec.Reset(w)
	}
	p := &presser{h: h, r: r, named: r.Header["If-None-Match"]}
	strengthen(r.Header, h.strong.Load(), h.weak.Load())
	rec.Interpose(func(inner http.ResponseWriter) http.ResponseWriter {
		p.ResponseWriter = inner
		return p
	})
	whole := false
	defer func() { p.end(rec, whole) }()
	h.next.ServeHTTP(rec, r)
	whole = !rec.Aborted()
}

// presser is between the httpx.Writer and the connection.
type presser struct {
	http.ResponseWriter
	h       *handler
	r       *http.Request
	named   []string // If-None-Match, as the client sent it
	decided bool
	coding  string
	z       *stream // nil: the answer goes out as it is
	sent    int64   // bytes of the compressed body
}

// WriteHeader decides. An interim answer decides nothing.
func (p *presser) WriteHeader(status int) {
	if status >= 200 && !p.decided {
		p.decide(status)
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *presser) decide(status int) {
	p.decided = true
	h := p.Header()
	tag := get(h, "ETag")
	switch {
	case strings.HasPrefix(tag, `"`) && !p.h.strong.Load():
		p.h.strong.Store(true)
	case strings.HasPrefix(tag, `W/"`) && !p.h.weak.Load():
		p.h.weak.Store(true)
	}
	if status == http.StatusNotModified {
		vary(h)
		for _, v := range p.named {
			if strings.HasPrefix(tag, `"`) && strings.Contains(v, "W/"+tag) { // so it was sent
				weaken(h)
				break
			}
		}
		return
	}
	if status == http.StatusNoContent || status == http.StatusPartialContent || get(h, "Content-Encoding") != "" || get(h, "Content-Range") != "" ||
		holds(h, "Cache-Control", "no-transform") || !p.h.o.Types.Has(get(h, "Content-Type")) {
		return
	}
	n := length(h)
	if n >= 0 && n < p.h.o.MinSize {
		return
	}
	vary(h)
	i := httpx.PickEncoding(p.r.Header["Accept-Encoding"], p.h.o.Codings)
	if i < 0 {
		return
	}
	z, err := p.h.coders.get(p.h.o.Codings[i], sink{p})
	if err != nil {
		return
	}
	p.z, p.coding = z, p.h.o.Codings[i]
	remove(h, "Content-Length")
	remove(h, "Accept-Ranges")
	h["Content-Encoding"] = []string{p.coding}
	weaken(h)
}

// sink is where the stream writes to.
type sink struct{ p *presser }

func (s sink) Write(b []byte) (int, error) {
	n, err := s.p.ResponseWriter.Write(b)
	s.p.sent += int64(n)
	return n, err
}

func (p *presser) Write(b []byte) (int, error) {
	if !p.decided {
		p.decide(http.StatusOK)
	}
	if p.z == nil {
		return p.ResponseWriter.Write(b)
	}
	return p.z.Write(b)
}

// ReadFrom keeps the way to sendfile open for what is not compressed.
func (p *presser) ReadFrom(r io.Reader) (int64, error) {
	if !p.decided {
		p.decide(http.StatusOK)
	}
	if p.z == nil {
		return io.Copy(p.ResponseWriter, r)
	}
	return io.Copy(struct{ io.Writer }{p}, r)
}

// FlushError sends what has been written so far.
func (p *presser) FlushError() error {
	if !p.decided {
		p.decide(http.StatusOK)
	}
	if p.z != nil && p.hasBody() {
		if err := p.z.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (p *presser) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *presser) hasBody() bool { return p.r.Method != http.MethodHead }

// end ends the coding of a whole answer. One that was cut off stays without its end,
// so that the client can tell.
func (p *presser) end(rec *httpx.Writer, whole bool) {
	if p.z == nil {
		return
	}
	if whole && p.hasBody() {
		_ = p.z.Close() // the client may have left
	}
	rec.Recount(p.sent)
	p.z.free()
}
