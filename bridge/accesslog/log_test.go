package accesslog

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

func record(id string) (*httpx.Writer, *http.Request) {
	r := httptest.NewRequest("GET", "/a?b", nil)
	r.Header.Set("User-Agent", "curl/8")
	rec := new(httpx.Writer)
	rec.Reset(httptest.NewRecorder())
	rec.Info = httpx.RequestInfo{ID: id, Start: time.Now(), RemoteAddr: "10.0.0.7", App: "shop", Worker: "shop/3", Wait: 1500 * time.Microsecond}
	_, _ = rec.Write([]byte("hello"))
	return rec, r
}

func TestCombinedLine(t *testing.T) {
	rec, r := record("ID1")
	got := string(new(Log).appendCombined(nil, rec, r, rec.Info.Start.Add(12300*time.Microsecond)))
	want := `^10\.0\.0\.7 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /a\?b HTTP/1\.1" 200 5 "-" "curl/8" app=shop rt=0\.0123 wait=0\.0015 id=ID1 worker=shop/3` + "\n$"
	if !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s", got)
	}
}

// What the cache had is in both forms, and nothing is when it was not asked.
func TestCacheInLines(t *testing.T) {
	rec, r := record("ID1")
	for _, c := range []struct{ cache, combined, json string }{{"", "shop/3\n", `"source":""}` + "\n"}, {"hit", "shop/3 cache=hit\n", `"source":"","cache":"hit"}` + "\n"}} {
		rec.Info.Cache = c.cache
		combined, line := string(new(Log).appendCombined(nil, rec, r, time.Now())), string(new(Log).appendJSONLine(nil, rec, r, time.Now()))
		if !strings.HasSuffix(combined, c.combined) || !strings.HasSuffix(line, c.json) {
			t.Errorf("%q: %s%s", c.cache, combined, line)
		}
	}
}

// The stamp of a second and the seconds are what package time and strconv would write.
func TestTimesInLines(t *testing.T) {
	l := new(Log)
	at := time.Date(2026, 3, 29, 0, 59, 58, 7_999_999, time.UTC)
	for range 50 {
		rec, r := record("ID1")
		rec.Info.Start = at
		combined, line := string(l.appendCombined(nil, rec, r, at)), string(l.appendJSONLine(nil, rec, r, at))
		if !strings.Contains(combined, at.Format("[02/Jan/2006:15:04:05 -0700]")) || !strings.HasPrefix(line, at.Format(`{"time":"2006-01-02T15:04:05.000Z07:00",`)) {
			t.Fatalf("%v\n%s%s", at, combined, line)
		}
		at = at.Add(77 * time.Millisecond)
	}
	for _, d := range []time.Duration{-1, 0, 49 * time.Microsecond, 51 * time.Microsecond, 12345 * time.Microsecond, 999_951 * time.Microsecond, time.Second, 90*time.Hour + 1234567} {
		if got, want := string(appendSeconds(nil, d)), strconv.FormatFloat(max(0, d.Seconds()), 'f', 4, 64); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestAccessLogReopenAndClose(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "access.log")
	open := func() (io.WriteCloser, error) {
		return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
	l, err := New(open, Combined, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	put := func(id string) { rec, r := record(id); l.Request(rec, r, time.Now()) }
	read := func(name string) string { b, _ := os.ReadFile(name); return string(b) }
	put("FIRST")
	bridgetest.Until(t, "the first line", func() bool { return strings.Contains(read(name), "FIRST") })
	put("SECOND")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	put("THIRD")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	put("LATE")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if a, b := read(name+".1"), read(name); !strings.Contains(a, "SECOND") || strings.Contains(b, "SECOND") || !strings.Contains(b, "THIRD") || strings.Contains(b, "LATE") {
		t.Errorf("%s---\n%s", a, b)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }
func (failing) Close() error              { return nil }

func TestAccessLogTellsFailures(t *testing.T) {
	said := make(chan error, 10)
	l, _ := New(func() (io.WriteCloser, error) { return failing{}, nil }, Combined, func(err error) { said <- err })
	rec, r := record("X")
	l.Request(rec, r, time.Now())
	if err := <-said; err.Error() != "full" {
		t.Error(err)
	}
	l.Close()
}

func FuzzAccessLog(f *testing.F) {
	f.Add("GET", "/a\"b", "ref\r\n", "ua\x1b[31m\xe9\u202e")
	f.Add("G\x00", "\xff\xfe", "\\", "\"")
	f.Fuzz(func(t *testing.T, method, target, referer, agent string) {
		rec, r := record("ID")
		r.Method, r.RequestURI, r.Host = method, target, agent
		r.Header = http.Header{"Referer": {referer}, "User-Agent": {agent}}
		rec.Info.Err = errors.New(referer)
		line := string(new(Log).appendCombined(nil, rec, r, time.Now()))
		if strings.Count(line, "\n") != 1 || strings.Count(line, `"`) != 6 {
			t.Fatalf("%q", line)
		}
		for i := range len(line) - 1 {
			if c := line[i]; c < ' ' || c == 0x7f {
				t.Fatalf("byte %#x in %q", c, line)
			}
		}
		line = string(new(Log).appendJSONLine(nil, rec, r, time.Now()))
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || strings.Count(line, "\n") != 1 {
			t.Fatalf("%v: %q", err, line)
		}
	})
}

func BenchmarkAccessLog(b *testing.B) {
	l, _ := New(func() (io.WriteCloser, error) { return discard{}, nil }, Combined, nil)
	rec, r := record("01J9ZZZZZZZZZZZZZZZZZZZZZZ")
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		l.Request(rec, r, now)
	}
	l.Close()
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
