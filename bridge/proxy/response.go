package proxy

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// response is an upstream's response on its way to the client.
type response struct {
	*upstream.Response
	q *request
}

// send sends the response to the client: head, body, trailers. It aborts one that ends before its end.
func (p *response) send() {
	p.head()
	announced := len(*p.Trailer)
	if announced > 0 {
		p.announce()
	}
	p.q.w.WriteHeader(p.Status)
	if p.Body == http.NoBody {
		p.q.release()
		return
	}
	err := p.copy()
	_ = p.Body.Close() // which completes the trailers; an error of the body is known
	if err != nil {
		httpx.Abort(p.q.w)
		return
	}
	if len(*p.Trailer) > 0 {
		p.trailers(announced)
	}
}

// head gives the client's writer the fields of the response.
func (p *response) head() {
	q := p.q
	if q.rec != nil && httpx.ValidValue(p.Phrase) {
		q.rec.Phrase(p.Status, p.Phrase)
	}
	if p.Status == http.StatusResetContent { // RFC 9110 15.3.6: it has no content, and says so
		_ = p.Body.Close()
		p.Body, p.Length, *p.Trailer = http.NoBody, 0, nil
	}
	options := p.options()
	if q.rec != nil && q.rec.Fields.Ordered() {
		p.list(options)
	} else {
		p.table(options)
	}
	if p.Body != http.NoBody {
		q.watch(p.Response)
	}
}

// options are the values of the Connection fields.
func (p *response) options() (values []string) {
	for i := range p.Fields {
		if f := &p.Fields[i]; len(f.Name) == len("Connection") && strings.EqualFold(f.Name, "Connection") {
			values = append(values, f.Value)
		}
	}
	return values
}

// stays reports whether a field does not reach the client.
func stays(name string, options []string) bool {
	return endsHere(name) || len(name) == len("X-Request-Id") && strings.EqualFold(name, "X-Request-Id") || // ours is the one that the logs have
		options != nil && hasToken(options, name)
}

// list gives the fields to a way in that takes them in their order and spelling. Fields that the chain has set already must not be
// there twice.
func (p *response) list(options []string) {
	rec := p.q.rec
	for i := range p.Fields {
		f := &p.Fields[i]
		if stays(f.Name, options) {
			continue
		}
		switch len(f.Name) {
		case len("Server"), len("Alt-Svc"):
			rec.Defaults.Drop(f.Name)
		}
		rec.Fields.Add(f.Name, f.Value)
	}
	if p.Length >= 0 {
		rec.Fields.SetLength(p.Length)
	}
}

// table gives the fields to a writer that other stages read.
func (p *response) table(options []string) {
	ours, typed := p.q.w.Header(), false
	values := make([]string, len(p.Fields)) // one allocation for all
	for i, f := range p.Fields {
		if stays(f.Name, options) {
			continue
		}
		name := http.CanonicalHeaderKey(f.Name)
		typed = typed || name == "Content-Type"
		name = httpx.Spelling(name)
		if had := ours[name]; had != nil {
			ours[name] = append(had[:len(had):len(had)], f.Value)
			continue
		}
		values[i] = f.Value
		ours[name] = values[i : i+1 : i+1]
	}
	if !typed {
		ours["Content-Type"] = nil // no type is invented
	}
	if p.Length >= 0 {
		ours["Content-Length"] = []string{strconv.FormatInt(p.Length, 10)}
	}
}

// announce announces the trailers that the upstream has announced.
func (p *response) announce() {
	ours := p.q.w.Header()
	ours["Trailer"] = append(ours["Trailer"], strings.Join(slices.Sorted(maps.Keys(*p.Trailer)), ", "))
}

// trailers gives the client's writer the trailers, of which so many were announced.
func (p *response) trailers(announced int) {
	_ = http.NewResponseController(p.q.w).Flush() // the client's framing must have a place for them; a failure shows later
	prefix := ""
	if len(*p.Trailer) != announced {
		prefix = http.TrailerPrefix
	}
	ours := p.q.w.Header()
	for name, values := range *p.Trailer {
		for _, v := range values {
			ours.Add(prefix+name, v)
		}
	}
}

// copy sends the body.
func (p *response) copy() error {
	var w io.Writer = p.q.w
	if p.streams() {
		s := newPrompt(p.q.w)
		defer s.stop()
		w = s
	}
	buf := copies.Get()
	defer copies.Put(buf)
	for {
		n, err := p.Body.Read(buf[:])
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// streams reports whether each part of the body goes out when it has come.
func (p *response) streams() bool {
	if p.Length < 0 {
		return true
	}
	kind, _, _ := strings.Cut(p.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
}
