package proxy

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/upstream"
)

func TestFieldsOfOneHop(t *testing.T) {
	agent := []string{"a/1"}
	for name, c := range map[string]struct{ from, want http.Header }{
		"none":       {http.Header{}, http.Header{}},
		"end to end": {http.Header{"User-Agent": agent, "Accept": {"a", "b"}, "Authorization": {"x"}}, http.Header{"User-Agent": agent, "Accept": {"a", "b"}, "Authorization": {"x"}}},
		"hop by hop": {http.Header{"User-Agent": agent, "Connection": {"keep-alive"}, "Keep-Alive": {"5"}, "Proxy-Connection": {"x"}, "Proxy-Authorization": {"x"}, "Te": {"gzip"},
			"Trailer": {"X"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"websocket"}}, http.Header{"User-Agent": agent}},
		"named":     {http.Header{"User-Agent": agent, "Connection": {"x-a, close", " X-B ,,"}, "X-A": {"1"}, "X-B": {"2"}, "X-C": {"3"}}, http.Header{"User-Agent": agent, "X-C": {"3"}}},
		"upgrade":   {http.Header{"User-Agent": agent, "Connection": {"keep-alive, UPGRADE"}, "Upgrade": {"websocket"}}, http.Header{"User-Agent": agent, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}}},
		"trailers":  {http.Header{"User-Agent": agent, "Connection": {"te"}, "Te": {"gzip, trailers"}}, http.Header{"User-Agent": agent, "Te": {"trailers"}}},
		"the proxy": {http.Header{"User-Agent": agent, "Forwarded": {"for=x"}, "X-Forwarded-For": {"x"}, "Proxy": {"x"}, "Http2-Settings": {"x"}, "X_a": {"x"}}, http.Header{"User-Agent": agent}},
	} {
		before := c.from.Clone()
		if got := upstream.Header(forwarded(nil, c.from, &httpx.RequestInfo{}, false)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
		if !reflect.DeepEqual(c.from, before) {
			t.Errorf("%s: the client's fields are %q now", name, c.from)
		}
	}
}

func TestSpellingOfTheClient(t *testing.T) {
	n := &httpx.RequestInfo{OddNames: []string{"X-my-odd-NAME", "soapaction"}}
	h := http.Header{"X-My-Odd-Name": {"1", "2"}, "Soapaction": {"3"}, "X-My-Odd-Nome": {"4"}, "Etag": {"5"}}
	got := forwarded(nil, h, n, false)
	slices.SortStableFunc(got, func(a, b httpx.Field) int { return strings.Compare(a.Name, b.Name) })
	if want := []httpx.Field{{Name: "ETag", Value: "5"}, {Name: "X-My-Odd-Nome", Value: "4"}, {Name: "X-my-odd-NAME", Value: "1"}, {Name: "X-my-odd-NAME", Value: "2"}, {Name: "soapaction", Value: "3"}}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// sent records what a prompt does with its writer.
type sent struct {
	http.ResponseWriter
	mu  sync.Mutex
	did []string
}

func (s *sent) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, what)
}
func (s *sent) Write(b []byte) (int, error) { s.add(string(b)); return len(b), nil }
func (s *sent) FlushError() error           { s.add("flush"); return nil }

func TestPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, w := &sent{}, []byte("a")
		p := newPrompt(late)
		time.Sleep(time.Second) // the body is late
		_, _ = p.Write(w)
		p.stop()
		if want := []string{"flush", "a", "flush"}; !slices.Equal(late.did, want) {
			t.Errorf("%q", late.did)
		}
		over := &sent{}
		p = newPrompt(over)
		p.stop()
		before := len(over.did) // the timer may have been in time
		p.head()                // it is late
		if len(over.did) > before {
			t.Errorf("%q after the end", over.did)
		}
	})
}
