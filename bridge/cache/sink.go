package cache

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// head is the head of a response.
type head struct {
	status  int
	phrase  string // the reason phrase, if phrased
	fields  []httpx.Field
	length  int64 // Content-Length; -1: none
	phrased bool
}

// header returns the fields as a Header.
func (h *head) header() http.Header {
	m := make(http.Header, len(h.fields))
	for _, f := range h.fields {
		m.Add(f.Name, f.Value)
	}
	return m
}

// sink is where the handler writes the response of a fetch to: a way in without a client. Its methods belong to the
// goroutine of the fetch, but for gone.
type sink struct {
	to     receiver
	ctx    context.Context
	fields http.Header
	list   []httpx.Field // of httpx.Wire
	lines  []byte
	head   head
	size   int64 // bytes of body

	mu   sync.Mutex
	told httpx.Disconnecter
	left bool
}

// receiver is what a sink passes the response on to.
type receiver interface {
	informed(status int, h http.Header)
	begun(h *head)
	write(p []byte) error
	flushed()
}

// Header is http.ResponseWriter's.
func (w *sink) Header() http.Header { return w.fields }

// WriteHeader is http.ResponseWriter's.
func (w *sink) WriteHeader(status int) {
	switch {
	case w.head.status != 0:
	case status < 200:
		if status != http.StatusSwitchingProtocols { // no request asks for one
			w.to.informed(status, w.fields.Clone())
		}
	default:
		w.head.status = status
		w.assemble()
		w.to.begun(&w.head)
	}
}

// assemble gathers the fields of the final head: lines, the list, and those of the map, sorted by name.
func (w *sink) assemble() {
	var all []httpx.Field
	for line := range strings.SplitSeq(string(w.lines), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			all = append(all, httpx.Field{Name: name, Value: strings.Trim(value, " ")})
		}
	}
	all = append(all, w.list...)
	all = slices.DeleteFunc(all, func(f httpx.Field) bool { return ofConnection(f.Name) })
	names := make([]string, 0, len(w.fields))
	for name := range w.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if ofConnection(name) || !httpx.IsToken(name) {
			continue
		}
		for _, v := range w.fields[name] {
			if strings.EqualFold(name, "Content-Length") {
				if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
					w.head.length = n
				}
				continue
			}
			all = append(all, httpx.Field{Name: name, Value: v})
		}
	}
	w.head.fields = all
}

// ofConnection reports fields that speak about one connection, which the handler does not have here.
func ofConnection(name string) bool {
	switch len(name) {
	case len("Connection"), len("Transfer-Encoding"):
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive") || strings.EqualFold(name, "Transfer-Encoding")
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	}
	return false
}

// hasBody: RFC 9110 6.4.1.
func (w *sink) hasBody() bool {
	return w.head.status >= 200 && w.head.status != http.StatusNoContent && w.head.status != http.StatusResetContent && w.head.status != http.StatusNotModified
}

// Write is http.ResponseWriter's.
func (w *sink) Write(p []byte) (int, error) {
	if w.head.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case !w.hasBody():
		return 0, http.ErrBodyNotAllowed
	case w.head.length >= 0 && w.size+int64(len(p)) > w.head.length:
		return 0, http.ErrContentLength
	}
	if err := w.to.write(p); err != nil {
		return 0, err
	}
	w.size += int64(len(p))
	return len(p), nil
}

// FlushError is http.ResponseController's.
func (w *sink) FlushError() error {
	if w.head.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.to.flushed()
	return nil
}

// whole reports whether the response that has ended is complete.
func (w *sink) whole() bool { return !w.hasBody() || w.head.length < 0 || w.size == w.head.length }

// Phrase is httpx.Wire's.
func (w *sink) Phrase(reason string) { w.head.phrase, w.head.phrased = reason, true }

// Lines is httpx.Wire's.
func (w *sink) Lines(lines []byte) { w.lines = lines }

// Fields is httpx.Wire's.
func (w *sink) Fields(list []httpx.Field, length int64) {
	w.list, w.head.length = slices.Clone(list), length
}

// EndAfter is httpx.Connection's: the client's connection does not end.
func (w *sink) EndAfter() {}

// WaitContext is httpx.Connection's.
func (w *sink) WaitContext() context.Context { return w.ctx }

// OnDisconnect is httpx.Connection's.
func (w *sink) OnDisconnect(d httpx.Disconnecter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = d
	if d != nil && w.left {
		d.ClientGone()
	}
}

// gone tells the handler that no client wants the response any more.
func (w *sink) gone() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.told; !w.left && d != nil {
		d.ClientGone()
	}
	w.left = true
}
