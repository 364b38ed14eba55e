package maintain

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func ask(l *List, app, client string) *http.Response {
	rec := httptest.NewRecorder()
	w := &httpx.Writer{}
	w.Reset(rec)
	if client != "" {
		w.Info.Peer = netip.AddrPortFrom(netip.MustParseAddr(client), 1)
	}
	New(Options{List: l, App: app})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return rec.Result()
}

func TestWindows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewList(hclog.NewNullLogger())
		want := func(status int, app, client, retry string) {
			t.Helper()
			if r := ask(l, app, client); r.StatusCode != status || r.Header.Get("Retry-After") != retry {
				t.Errorf("%q for %q: %d, Retry-After %q", app, client, r.StatusCode, r.Header.Get("Retry-After"))
			}
		}
		want(204, "", "192.0.2.1", "")
		now := time.Now()
		if err := l.Begin(Window{Since: now, Until: now.Add(time.Minute), Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}); err != nil {
			t.Fatal(err)
		}
		want(503, "", "192.0.2.1", "60")
		want(503, "", "", "60")
		want(204, "", "10.1.2.3", "")
		want(204, "", "::ffff:10.1.2.3", "")
		want(204, "shop", "192.0.2.1", "") // that stage is for the app alone
		if err := l.Begin(Window{App: "shop", Page: []byte("soon"), Type: "text/plain", RetryAfter: 7}); err != nil {
			t.Fatal(err)
		}
		want(503, "shop", "10.1.2.3", "7")
		want(204, "blog", "10.1.2.3", "")
		kept, err := l.Encode(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		want(503, "", "192.0.2.1", "30")
		time.Sleep(30 * time.Second)
		want(204, "", "192.0.2.1", "") // over, before anybody sweeps
		l.Sweep(time.Now())
		if l.End("") || !l.End("shop") || l.End("shop") || l.now.Load() != nil {
			t.Error("what ended is there, or what is there did not end")
		}
		next := NewList(hclog.NewNullLogger())
		if err := next.Restore(kept, time.Now()); err != nil {
			t.Fatal(err)
		}
		if all := next.All(time.Now()); len(all) != 1 || all[0].App != "shop" || string(all[0].Page) != "soon" {
			t.Errorf("%+v", all)
		}
	})
}

// What another process kept is read as hostile bytes.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(`[{"allow":["10.0.0.0/8"],"page":"eA==","type":"a/b","retry_after_seconds":1e300}]`))
	f.Fuzz(func(t *testing.T, kept []byte) {
		l := NewList(hclog.NewNullLogger())
		_ = l.Restore(kept, time.Now())
		for _, m := range l.All(time.Now()) {
			if err := m.check(); err != nil {
				t.Error(err)
			}
			ask(l, m.App, "192.0.2.1")
		}
	})
}
