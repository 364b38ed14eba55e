package dashboard

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// maxAnswer bounds an answer of a Source in bytes.
const maxAnswer = 64 << 20

// reply is what a Source has answered; it is the http.ResponseWriter that it wrote to.
type reply struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *reply) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// ask asks the Source, and returns when it has answered.
func ask(ctx context.Context, source http.Handler, method, path, query string, body []byte) *reply {
	a := &reply{header: http.Header{}}
	req, err := http.NewRequestWithContext(ctx, method, "http://standpipe"+path, bytes.NewReader(body))
	if err != nil {
		refuse(a, http.StatusBadRequest, "bad_request", err.Error())
		return a
	}
	req.URL.RawQuery = query
	source.ServeHTTP(a, req)
	return a
}

// pass gives the answer of a Source to the browser.
func pass(w http.ResponseWriter, a *reply) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // fails if the client has disconnected
}

// Remote is the Source behind the control socket of another process.
type Remote struct {
	http *http.Client
}

// NewRemote returns the Source behind the socket at path; it is not connected yet. Close must be called.
func NewRemote(path string) *Remote {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, "unix", path)
	}
	return &Remote{&http.Client{Transport: &http.Transport{DialContext: dial, IdleConnTimeout: 10 * time.Second}}}
}

// Close closes the connections.
func (s *Remote) Close() { s.http.CloseIdleConnections() }

// ServeHTTP asks the other process.
func (s *Remote) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	resp, err := s.http.Do(out)
	if err != nil {
		refuse(w, http.StatusBadGateway, "gone", "the server does not answer on its control socket")
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(resp.Body, maxAnswer)) // JSON that is cut is not valid, and the page says so
}
