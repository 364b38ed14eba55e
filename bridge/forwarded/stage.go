package forwarded

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of the stage New.
type Options struct {
	// Trust names the proxies that are believed; nil: none is.
	Trust *Trust
	// Fields are what of a trusted proxy's fields counts; nil: DefaultFields.
	Fields *Fields
	// Log gets forwarded_ignored and uwsgi_ignored; nil: no records are written.
	Log hclog.Logger
}

// New is the stage that decides what of a proxy's word about the client counts. From a peer
// that is not trusted all of it is removed, so that no app reads it by mistake. From a
// trusted one the fields that count are followed, the others are removed unless they say
// the same, and what the app still sees is cut to the part that trusted proxies wrote. Peer
// comes before it.
func New(o Options) func(http.Handler) http.Handler {
	if o.Fields == nil {
		o.Fields = defaultFields
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return func(next http.Handler) http.Handler {
		return &forwarder{trust: o.Trust, fields: o.Fields, log: o.Log, next: next, limit: httpx.LogLimiter{Every: time.Hour}}
	}
}

type forwarder struct {
	trust  *Trust
	fields *Fields
	log    hclog.Logger
	next   http.Handler
	limit  httpx.LogLimiter // of records, by peer
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	if g, ok := rec.Unwrap().(gateway); ok {
		f.relayed(&rec.Info, g)
	}
	rec.Info.FieldCount = f.apply(&rec.Info, r)
	f.next.ServeHTTP(rec, r)
}

// Peer is the stage that notes whether the other end of the connection is a trusted proxy.
func Peer(t *Trust) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &peer{t, next} }
}

type peer struct {
	trust *Trust
	next  http.Handler
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &w.(*httpx.Writer).Info
	n.Trusted = p.trust.Peer(n.Peer.Addr())
	p.next.ServeHTTP(w, r)
}
