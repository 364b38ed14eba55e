package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

func TestEvents(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "[]",
		"event: top\ndata: 1\n\ndata: 2\n\n": "[top=1 =2]",
		"data: 1":                            "[]", // cut
		"event: top\n\n\n\n":                 "[]",
		": comment\nevent:a\nid: 7\ndata:1\ndata: 2\n\n": "[a=1\n2]",
		"event: a\r\ndata: 1\r\n\r\ndata\n\n":            "[a=1 =]",
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			got := []string{}
			err := events(r, func(name string, data []byte) error {
				got = append(got, name+"="+string(data))
				return nil
			})
			if fmt.Sprint(got) != want || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v %v", text, got, err)
			}
		}
	}
	stop := errors.New("stop")
	if err := events(strings.NewReader("data: 1\n\ndata: 2\n\n"), func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// Whatever another process sends, an event is not longer than what was read.
func FuzzEvents(f *testing.F) {
	f.Add("event: top\ndata: {}\n\n")
	f.Add("data\ndata:\r\n\n: x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = events(strings.NewReader(text), func(name string, data []byte) error {
			if len(name)+len(data) > len(text) {
				t.Errorf("%q: %q %q", text, name, data)
			}
			return nil
		})
	})
}

// Watch tells the ends of a stream apart.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	const event = "event: top\ndata: {\"status\":{\"pid\":7},\"figures\":{\"span_seconds\":3}}\n\n"
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/top/stream" || r.FormValue("every") != "1s" {
			t.Errorf("asked for %s", r.URL)
		}
		switch r.FormValue("app") {
		case "full":
			w.WriteHeader(503)
			fmt.Fprint(w, `{"error":"too_many_streams","detail":"no more"}`)
		case "removed":
			fmt.Fprint(w, event, "event: problem\ndata: {\"error\":\"no_such_app\",\"detail\":\"gone\"}\n\n")
		case "foreign":
			fmt.Fprint(w, "data: <html>\n\n")
		case "":
			fmt.Fprint(w, event, event)
		case "long":
			fmt.Fprint(w, event)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	defer func() { _ = server.Close(); <-done }()
	c := New(path)
	defer c.Close()
	enough := errors.New("enough")
	for app, want := range map[string]string{"": "2 unexpected EOF", "full": "0 no more", "removed": "1 gone", "foreign": "0 json", "long": "1 enough"} {
		seen := 0
		err := c.Watch(t.Context(), app, time.Second, func(top *admin.Top) error {
			seen++
			if top.Status.Pid != 7 || top.Figures.Span != 3 {
				t.Errorf("%+v", top)
			}
			if app == "long" {
				return enough
			}
			return nil
		})
		if app == "foreign" && err != nil {
			err = errors.New("json")
		}
		if got := fmt.Sprint(seen, " ", err); got != want {
			t.Errorf("%q: %s, want %s", app, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Watch(ctx, "long", time.Second, func(*admin.Top) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
