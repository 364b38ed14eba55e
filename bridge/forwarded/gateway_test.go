package forwarded

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// relaying is a protocol's ResponseWriter.
type relaying struct {
	*httptest.ResponseRecorder
	g cgi.Gateway
}

func (r *relaying) Gateway() *cgi.Gateway { return &r.g }
func (*relaying) Resets() bool            { return false }

// Who is the client, and whom the fields X-Forwarded-* may name further: by the peer and by what it says.
func TestRelayed(t *testing.T) {
	trust, err := ParseTrust([]string{"unix", "10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		peer, addr, port string // of the peer; what it says
		client, clientAt string
		scheme, user     string
	}{
		"unix":                        {"@", "192.0.2.1", "99", "192.0.2.1", "99", "https", "ann"},
		"a trusted peer":              {"10.0.0.1:1", "2001:db8::1", "99", "2001:db8::1", "99", "https", "ann"},
		"its client is a proxy":       {"@", "10.9.9.9", "99", "203.0.113.5", "", "https", "ann"},
		"its client is on a socket":   {"@", "unix:", "", "203.0.113.5", "", "https", "ann"},
		"it does not say who":         {"@", "", "", "", "", "https", "ann"},
		"it says what is no address":  {"@", "10.0.0.1, 10.0.0.2", "99", "", "", "https", "ann"},
		"a port that is none":         {"@", "192.0.2.1", "x", "192.0.2.1", "", "https", "ann"},
		"a peer that is not trusted":  {"192.0.2.9:7", "10.0.0.1", "99", "192.0.2.9", "7", "http", ""},
		"nobody's word for a trusted": {"192.0.2.9:7", "unix:", "", "192.0.2.9", "7", "http", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got httpx.RequestInfo
			var field string
			h := Peer(trust)(New(Options{Trust: trust})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, field = *httpx.Of(w), r.Header.Get("X-Forwarded-For")
			})))
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("X-Forwarded-For", "203.0.113.5")
			rec := new(httpx.Writer)
			rec.Reset(&relaying{httptest.NewRecorder(), cgi.Gateway{RemoteAddr: c.addr, RemotePort: c.port, Scheme: "https", ServerName: "inner", ServerPort: "81", ScriptName: "/s",
				Extra: []wire.Var{{Name: "REMOTE_USER", Value: "ann"}}}})
			e := httpx.EndsOf(c.peer, nil)
			rec.Info.Met(time.Now(), &e)
			h.ServeHTTP(rec, r)
			user := ""
			if len(got.Extra) > 0 {
				user = got.Extra[0].Value
			}
			if got.RemoteAddr != c.client || got.RemotePort != c.clientAt || got.Scheme != c.scheme || user != c.user || !got.Unseen {
				t.Errorf("%+v", got)
			}
			if named := got.Named && got.ServerName == "inner" && got.ServerPort == "81" && got.ScriptName == "/s"; named != (c.user != "") {
				t.Errorf("%+v", got)
			}
			if (field != "") != (c.client == "203.0.113.5") {
				t.Errorf("X-Forwarded-For: %q", field)
			}
			if a, err := netip.ParseAddr(c.addr); err == nil && c.user != "" && got.Peer.Addr() != a {
				t.Errorf("the peer is %v", got.Peer)
			}
		})
	}
}
