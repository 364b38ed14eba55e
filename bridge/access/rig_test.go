package access

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// logged is a log that a test reads.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(word string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.buf.Bytes(), []byte(word))
}

func (l *logged) logger() hclog.Logger { return hclog.New(&hclog.LoggerOptions{Output: l}) }

// rig is a stage with what it needs.
type rig struct {
	*logged
	o     Options
	files *Files
	seen  *http.Request // by the handler; nil: it was not called
	info  httpx.RequestInfo
}

func newRig() *rig {
	r := &rig{logged: &logged{}}
	r.files = NewFiles(r.logger())
	r.o = Options{Denied: NewDenied(), Records: NewRecords(r.logger())}
	return r
}

// lists makes a table of lists for every request.
func (r *rig) lists(t testing.TB, l Lists) *Table {
	t.Helper()
	a, err := NewAddresses(l, r.files.Open())
	if err != nil {
		t.Fatal(err)
	}
	return &Table{Name: "/", Addresses: a}
}

// ask sends a request from an address; "": from a unix socket.
func (r *rig) ask(client string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, f := range edit {
		f(req)
	}
	out := httptest.NewRecorder()
	w := new(httpx.Writer)
	w.Reset(out)
	w.Info.RemoteAddr, w.Info.Trusted, w.Info.ID = client, true, "id"
	r.seen = nil
	h := http.Handler(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { r.seen = req }))
	NewDenials(r.o)(New(r.o)(h)).ServeHTTP(w, req)
	r.info = w.Info
	return out
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := name
	if !filepath.IsAbs(name) {
		path = filepath.Join(t.TempDir(), name)
	}
	// As an editor does it, so that a reader never sees half of it.
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func newRequest() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }

// newWriter is of a client that is in no list.
func newWriter() *httpx.Writer {
	w := new(httpx.Writer)
	w.Reset(httptest.NewRecorder())
	w.Info.Peer = netip.MustParseAddrPort("203.0.113.9:4711")
	return w
}

// millionLines writes 1,000,000 networks of which none has newWriter's client.
func millionLines(w *strings.Builder) {
	for i := range 1_000_000 {
		b := uint32(i)*4093 + 1<<24 // spread below 203.0.0.0
		a := netip.AddrFrom4([4]byte{byte(b>>24) % 200, byte(b >> 16), byte(b >> 8), byte(b)})
		w.WriteString(a.String())
		w.WriteByte('\n')
	}
}
