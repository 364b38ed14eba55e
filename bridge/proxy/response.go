package proxy

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// response is an upstream's response on its way to the client.
type response struct {
	*http.Response
	q *request
}

// send sends the response to the client: head, body, trailers. It aborts one that ends before its end.
func (p *response) send() {
	p.head()
	announced := len(p.Trailer)
	if announced > 0 {
		p.announce()
	}
	p.q.w.WriteHeader(p.StatusCode)
	err := p.copy()
	_ = p.Body.Close() // which completes the trailers; an error of the body is known
	if err != nil {
		httpx.Abort(p.q.w)
		return
	}
	if len(p.Trailer) > 0 {
		p.trailers(announced)
	}
}

// head gives the client's writer the fields of the response. Fields that the chain has set already must not be there twice.
func (p *response) head() {
	q, ours := p.q, p.q.w.Header()
	if connection := p.Header["Connection"]; connection != nil {
		removeNamed(p.Header, connection)
	}
	if p.Header["Content-Type"] == nil {
		ours["Content-Type"] = nil // no type is invented
	}
	if rec := httpx.Find(q.w); rec != nil {
		if reason, ok := strings.CutPrefix(p.Status, strconv.Itoa(p.StatusCode)); ok && httpx.ValidValue(reason) {
			rec.Phrase(p.StatusCode, strings.TrimPrefix(reason, " "))
		}
	}
	if p.StatusCode == http.StatusResetContent { // RFC 9110 15.3.6: it has no content, and says so
		_ = p.Body.Close()
		p.Body, p.ContentLength, p.Trailer = http.NoBody, 0, nil
		p.Header["Content-Length"] = []string{"0"}
	} else {
		q.watch(p.Response)
	}
	for name, values := range p.Header {
		if endsHere(name) || name == "X-Request-Id" { // ours is the one that the logs have
			continue
		}
		if own := httpx.Spelling(name); own != name {
			ours[own] = values
		} else if had := ours[name]; had != nil {
			ours[name] = slices.Concat(had, values)
		} else {
			ours[name] = values
		}
	}
}

// announce announces the trailers that the upstream has announced.
func (p *response) announce() {
	ours := p.q.w.Header()
	ours["Trailer"] = append(ours["Trailer"], strings.Join(slices.Sorted(maps.Keys(p.Trailer)), ", "))
}

// trailers gives the client's writer the trailers, of which so many were announced.
func (p *response) trailers(announced int) {
	_ = http.NewResponseController(p.q.w).Flush() // the client's framing must have a place for them; a failure shows later
	prefix := ""
	if len(p.Trailer) != announced {
		prefix = http.TrailerPrefix
	}
	ours := p.q.w.Header()
	for name, values := range p.Trailer {
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
	if p.ContentLength < 0 {
		return true
	}
	kind, _, _ := strings.Cut(p.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
}
