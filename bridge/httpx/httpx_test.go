package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestIDsSortByTimeAndAreValid(t *testing.T) {
	now := time.Now()
	a, b := NewID(now), NewID(now.Add(time.Millisecond))
	if a >= b || len(a) != 26 || !ValidID(a) {
		t.Fatalf("%q, %q", a, b)
	}
	if NewID(now) == a {
		t.Fatal("two ids of one millisecond are equal")
	}
	for s, want := range map[string]bool{"a": true, "A.b_c-9": true, "": false, "a b": false, "a\n": false, "é": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false} {
		if ValidID(s) != want {
			t.Errorf("ValidID(%q) = %v", s, !want)
		}
	}
}

func TestWriterNotesTheFinalStatus(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := new(Writer)
		rec.Reset(w)
		rec.WriteHeader(http.StatusEarlyHints)
		if rec.Status() != 0 {
			t.Errorf("103 taken as final")
		}
		rec.WriteHeader(http.StatusNotFound)
		n, err := rec.ReadFrom(strings.NewReader("gone"))
		if n != 4 || err != nil || rec.Status() != 404 || rec.Bytes() != 4 {
			t.Errorf("n=%d err=%v status=%d bytes=%d", n, err, rec.Status(), rec.Bytes())
		}
		if err := http.NewResponseController(rec).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("deadline through Unwrap: %v", err)
		}
		rec.Info.ID = "x"
		if Of(struct{ http.ResponseWriter }{rec}).ID == "x" {
			t.Error("found through a wrapper without Unwrap")
		}
		if Of(unwrapper{rec}).ID != "x" {
			t.Error("not found through a wrapper with Unwrap")
		}
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 404 {
		t.Fatal(res.Status)
	}
}

type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func TestBufferSpillsBeyondMemory(t *testing.T) {
	dir := t.TempDir()
	for _, memory := range []int{1000, 200_000} {
		testSpill(t, &Spool{Dir: dir, Memory: memory}, dir)
	}
}

func testSpill(t *testing.T, s *Spool, dir string) {
	testSpillFrom(t, s, dir, iotest.HalfReader)
	testSpillFrom(t, s, dir, iotest.DataErrReader) // the end comes with the last octets, as from net/http
}

func testSpillFrom(t *testing.T, s *Spool, dir string, from func(io.Reader) io.Reader) {
	for _, size := range []int{0, 1, 999, 1000, 1001, 2500, 100_000, 199_999, 200_000, 200_001, 500_000} {
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		b := s.Take(netip.Prefix{})
		if err := b.Fill(from(bytes.NewReader(want)), 0); err != nil {
			t.Fatal(err)
		}
		mem, inMemory := b.Memory()
		if inMemory != (size <= s.Memory) || b.Size() != int64(size) || inMemory && !bytes.Equal(mem, want) {
			t.Errorf("size %d: in memory %v, Size %d", size, inMemory, b.Size())
		}
		if got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d: read %d octets, %v", size, len(got), err)
		}
		if !inMemory && s.Used() != int64(size) {
			t.Errorf("size %d: used %d", size, s.Used())
		}
		if onDisk, err := os.ReadFile(b.Path()); !inMemory && (err != nil || !bytes.Equal(onDisk, want)) {
			t.Errorf("size %d: the file %q holds %d octets, %v", size, b.Path(), len(onDisk), err)
		}
		if st, err := os.Stat(b.Path()); !inMemory && (err != nil || st.Mode() != 0o600) {
			t.Errorf("size %d: %v, %v", size, st, err)
		}
		b.Close()
		b.Close()
		if left, _ := os.ReadDir(dir); len(left) != 0 || b.Path() != "" {
			t.Errorf("size %d: left after Close: %v, %q", size, left, b.Path())
		}
		if s.Used() != 0 {
			t.Errorf("size %d: used %d after Close", size, s.Used())
		}
	}
}

func TestBufferLimits(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Memory: 10, Files: Budget{Total: 100}}
	b := s.Take(netip.Prefix{})
	if err := b.Fill(strings.NewReader("0123456789abc"), 12); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limit: %v", err)
	}
	b.Close()
	b, c := s.Take(netip.Prefix{}), s.Take(netip.Prefix{})
	defer c.Close()
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 80)), 80); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := c.Fill(strings.NewReader(strings.Repeat("x", 80)), 0); !errors.Is(err, ErrSpoolFull) {
		t.Errorf("beyond the total: %v", err)
	}
	b.Close()
	c.Close()
	if s.Used() != 0 {
		t.Errorf("used %d after Close", s.Used())
	}
	d := (&Spool{Dir: filepath.Join(t.TempDir(), "absent"), Memory: 10}).Take(netip.Prefix{})
	defer d.Close()
	err := d.Fill(strings.NewReader(strings.Repeat("x", 80)), 0)
	if err != nil && !errors.Is(err, ErrSpoolFull) {
		t.Errorf("no folder: %v", err)
	}
	if f, merr := memoryFile(); merr == nil {
		f.Close()
		if err != nil || d.Size() != 80 {
			t.Errorf("no folder, but memory files: %v", err)
		}
	}
}

func TestPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "busy.json")
	if err := os.WriteFile(file, []byte(`{"id":"{{request_id}}","s":{{status}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	custom, err := LoadPages(map[int]string{503: file})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPages(map[int]string{200: file}); err == nil {
		t.Error("a page for 200 was taken")
	}
	for _, c := range []struct {
		pages      *Pages
		accept     string
		status     int
		retry      time.Duration
		wantType   string
		wantInBody string
	}{
		{nil, "", 404, 0, "text/html; charset=utf-8", "404"},
		{nil, "*/*", 404, 0, "text/html; charset=utf-8", "REQ1"},
		{nil, "application/json", 500, 0, "application/json", `"request_id":"REQ1"`},
		{nil, "text/html;q=0.5, application/problem+json", 500, 0, "application/json", `"status":500`},
		{nil, "text/html, application/json", 500, 0, "text/html; charset=utf-8", "<h1>500"},
		{nil, "", 503, 1500 * time.Millisecond, "text/html; charset=utf-8", " 2 "},
		{custom, "", 503, time.Second, "application/json", `{"id":"REQ1","s":503}`},
		{custom, "", 502, 0, "text/html; charset=utf-8", "502"},
	} {
		rw := httptest.NewRecorder()
		rec := new(Writer)
		rec.Reset(rw)
		rec.Info.ID = "REQ1"
		r := httptest.NewRequest("GET", "/", nil)
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		c.pages.Write(rec, r, c.status, "", c.retry)
		body := rw.Body.String()
		if rw.Code != c.status || rw.Header().Get("Content-Type") != c.wantType || !strings.Contains(body, c.wantInBody) {
			t.Errorf("%+v: %d %v\n%s", c, rw.Code, rw.Header(), body)
		}
		if c.wantType == "application/json" && !json.Valid([]byte(body)) {
			t.Errorf("not JSON: %s", body)
		}
		if (c.retry > 0) != (rw.Header().Get("Retry-After") != "") {
			t.Errorf("Retry-After: %v", rw.Header())
		}
	}
}

func TestLogLimiter(t *testing.T) {
	s := LogLimiter{Every: time.Hour, Max: 2}
	now := time.Now()
	got := []bool{s.Allow("a", now), s.Allow("a", now), s.Allow("b", now), s.Allow("c", now),
		s.Allow("a", now.Add(time.Hour)), s.Allow("c", now.Add(time.Hour+time.Second))}
	want := []bool{true, false, true, false, true, true}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
