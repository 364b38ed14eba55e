package fields

import (
	"io"
	"net/http"
)

// New is the stage that applies rules, in their order; nil: there are none.
func New(rules []Rule) func(next http.Handler) http.Handler {
	s := stage{}
	for _, u := range rules {
		if len(u.Changes) == 0 {
			continue
		}
		if u.Response {
			s.response = append(s.response, u)
		} else {
			s.request = append(s.request, u)
		}
	}
	if len(s.request)+len(s.response) == 0 {
		return nil
	}
	return func(next http.Handler) http.Handler {
		one := s
		one.next = next
		return &one
	}
}

type stage struct {
	request, response []Rule
	next              http.Handler
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := writerOf(w)
	if len(s.request) > 0 && r.Header == nil {
		r.Header = make(http.Header)
	}
	for i := range s.request {
		s.request[i].apply(r.Header, r, &rec.Info)
	}
	if len(s.response) > 0 {
		rec.Interpose(func(inner http.ResponseWriter) http.ResponseWriter {
			return &headWriter{inner, func(status int) {
				for i := range s.response {
					if u := &s.response[i]; u.concerns(status) {
						u.apply(inner.Header(), r, &rec.Info)
					}
				}
			}}
		})
	}
	s.next.ServeHTTP(rec, r)
}

// headWriter calls change once, before the final head goes out.
type headWriter struct {
	http.ResponseWriter
	change func(status int) // nil: it was called
}

// WriteHeader sends the status. Informational responses stay as they are, and so does a 101, whose fields belong to the
// protocol that begins.
func (w *headWriter) WriteHeader(status int) {
	if status >= 200 {
		w.final(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *headWriter) final(status int) {
	if w.change != nil {
		w.change(status)
		w.change = nil
	}
}

func (w *headWriter) Write(p []byte) (int, error) {
	w.final(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the way open for sendfile.
func (w *headWriter) ReadFrom(r io.Reader) (int64, error) {
	w.final(http.StatusOK)
	return io.Copy(w.ResponseWriter, r)
}

// FlushError sends the buffered bytes, the head too.
func (w *headWriter) FlushError() error {
	w.final(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *headWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
