package chain

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
)

// What those who answer get of the client's trace, and what is recorded.
func TestTrace(t *testing.T) {
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	const theirs = "00-" + id + "-" + span + "-01"
	for name, c := range map[string]struct {
		o       TraceOptions
		trusted bool
		parents []string
		states  []string

		continues, sampled bool
		flags              string
		state              string
		linked             bool
	}{
		"none":                       {flags: "02"},
		"none, recorded":             {o: TraceOptions{Part: 1}, flags: "03", sampled: true},
		"recorded by the caller":     {parents: []string{theirs}, states: []string{"a=1"}, continues: true, flags: "01", sampled: true, state: "a=1"},
		"not recorded by the caller": {o: TraceOptions{Part: 1}, parents: []string{"00-" + id + "-" + span + "-00"}, states: []string{"a=1"}, continues: true, flags: "00", state: "a=1"},
		"random":                     {parents: []string{"00-" + id + "-" + span + "-02"}, continues: true, flags: "02"},
		"a later version":            {parents: []string{"cc-" + id + "-" + span + "-01-more"}, continues: true, flags: "01", sampled: true},
		"two":                        {o: TraceOptions{Part: 1}, parents: []string{theirs, theirs}, states: []string{"a=1"}, flags: "03", sampled: true},
		"nonsense":                   {o: TraceOptions{Part: 1}, parents: []string{"00-" + strings.ToUpper(id) + "-" + span + "-01"}, states: []string{"a=1"}, flags: "03", sampled: true},
		"a state alone":              {states: []string{"a=1"}, flags: "02"},
		"a bad state":                {parents: []string{theirs}, states: []string{"a=1,B=2"}, continues: true, flags: "01", sampled: true},
		"an empty state":             {parents: []string{theirs}, states: []string{""}, continues: true, flags: "01", sampled: true},
		"several states":             {parents: []string{theirs}, states: []string{"a=1", "b=2"}, continues: true, flags: "01", sampled: true, state: "a=1,b=2"},
		"not trusted":                {o: TraceOptions{TrustedOnly: true}, parents: []string{theirs}, states: []string{"a=1"}, flags: "02"},
		"not trusted, recorded":      {o: TraceOptions{TrustedOnly: true, Part: 1}, parents: []string{theirs}, flags: "03", sampled: true, linked: true},
		"trusted":                    {o: TraceOptions{TrustedOnly: true}, trusted: true, parents: []string{theirs}, continues: true, flags: "01", sampled: true},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.parents != nil {
			r.Header["Traceparent"] = c.parents
		}
		if c.states != nil {
			r.Header["Tracestate"] = c.states
		}
		stage := func(next http.Handler) http.Handler {
			inner := Trace(c.o)(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.(*httpx.Writer).Info.Trusted = c.trusted
				inner.ServeHTTP(w, r)
			})
		}
		var got trace.Context
		var state []string
		rec, _ := serve(stage, r, func(w http.ResponseWriter, r *http.Request) {
			if v := r.Header["Traceparent"]; len(v) == 1 {
				got, _ = trace.Parse(v[0])
				if !strings.HasSuffix(v[0], "-"+c.flags) {
					t.Errorf("%s: %q", name, v)
				}
			}
			state = r.Header["Tracestate"]
		})
		if !got.Valid() || (got.Trace.String() == id) != c.continues || got.Span.String() == span {
			t.Errorf("%s: %s", name, got)
		}
		if s := strings.Join(state, "|"); s != c.state || c.state == "" && state != nil {
			t.Errorf("%s: %q", name, state)
		}
		made := rec.Info.Trace
		if (made != nil) != c.sampled {
			t.Fatalf("%s: %+v", name, made)
		}
		if made == nil {
			continue
		}
		if made.Context != got || (made.Parent.String() == span) != c.continues || made.Link.Valid() != c.linked || made.State != c.state || c.linked && made.Link.Trace.String() != id {
			t.Errorf("%s: %+v", name, made)
		}
	}
}

func TestRequestStart(t *testing.T) {
	for _, c := range []struct {
		trusted bool
		had     []string
		kept    bool
	}{{false, nil, false}, {true, nil, false}, {false, []string{"t=1"}, false}, {true, []string{"t=1"}, true}, {true, []string{"t=1", "t=2"}, false}, {true, []string{" "}, false}} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.had != nil {
			r.Header["X-Request-Start"] = c.had
		}
		stage := func(next http.Handler) http.Handler {
			inner := RequestStart()(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := &w.(*httpx.Writer).Info
				n.Trusted, n.Start = c.trusted, time.UnixMilli(1700000000007)
				inner.ServeHTTP(w, r)
			})
		}
		serve(stage, r, func(w http.ResponseWriter, r *http.Request) {
			want := "t=1700000000.007"
			if c.kept {
				want = "t=1"
			}
			if v := r.Header["X-Request-Start"]; len(v) != 1 || v[0] != want {
				t.Errorf("%+v: %q", c, v)
			}
		})
	}
}

func TestServerTiming(t *testing.T) {
	for name, c := range map[string]struct {
		change func(n *httpx.RequestInfo)
		want   string
	}{
		"the server's": {func(*httpx.RequestInfo) {}, "total;dur=N"},
		"an app's": {func(n *httpx.RequestInfo) {
			n.Source, n.Worker, n.Wait, n.Receive, n.Asked = "app", "shop/1", 1500*time.Microsecond, 2*time.Millisecond, time.Now()
		}, "body;dur=2, queue;dur=1.5, app;dur=N, total;dur=N"},
		"an upstream's": {func(n *httpx.RequestInfo) { n.Source, n.Asked = "upstream", time.Now() }, "upstream;dur=N, total;dur=N"},
		"the cache's":   {func(n *httpx.RequestInfo) { n.Source, n.Cache, n.Asked = "cache", "hit", time.Now() }, "cache;desc=hit, total;dur=N"},
	} {
		_, out := serve(ServerTiming(), httptest.NewRequest("GET", "/", nil), func(w http.ResponseWriter, r *http.Request) {
			c.change(httpx.Of(w))
			w.Header()["Server-Timing"] = []string{"db;dur=3"}
			w.WriteHeader(200)
		})
		v := out.Header()["Server-Timing"]
		if len(v) != 2 || v[0] != "db;dur=3" {
			t.Fatalf("%s: %q", name, v)
		}
		for i, part := range strings.Split(v[1], ", ") {
			want := strings.Split(c.want, ", ")
			if i >= len(want) || part != want[i] && (!strings.HasSuffix(want[i], "=N") || !strings.HasPrefix(part, strings.TrimSuffix(want[i], "N"))) {
				t.Errorf("%s: %q, want %q", name, v[1], c.want)
			}
		}
	}
}

func BenchmarkTrace(b *testing.B) {
	for name, c := range map[string]struct {
		o      TraceOptions
		parent string
	}{
		"off":             {},
		"begun":           {o: TraceOptions{Part: 1e-12}},
		"begun, 1 %":      {o: TraceOptions{Part: 0.01}},
		"continued":       {o: TraceOptions{Part: 1e-12}, parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},
		"begun, recorded": {o: TraceOptions{Part: 1}},
	} {
		b.Run(name, func(b *testing.B) {
			next := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			if name != "off" {
				next = Trace(c.o)(next)
			}
			rec := new(httpx.Writer)
			r := httptest.NewRequest("GET", "/", nil)
			value := []string{c.parent}
			b.ReportAllocs()
			for range b.N {
				rec.Info.Trace = nil
				clear(r.Header)
				if c.parent != "" {
					value[0] = c.parent
					r.Header["Traceparent"] = value
				}
				next.ServeHTTP(rec, r)
			}
		})
	}
}
