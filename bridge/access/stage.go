package access

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of the stage.
type Options struct {
	// Tables are those of the address that the stage is for.
	Tables []*Table
	// Denied is the deny list of this hour.
	Denied *Denied
	// Records get what is refused.
	Records *Records
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// NewDenials is the stage that refuses the clients of the deny list. It costs a request one look at a number, as long as nothing
// is denied.
func NewDenials(o Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &denials{stage{o, next}} }
}

type denials struct{ stage }

func (s *denials) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.o.Denied.Len() > 0 {
		rec := w.(*httpx.Writer)
		if e, yes := s.o.Denied.Find(clientOf(&rec.Info), time.Now()); yes {
			s.refuse(rec, r, "", forbidden(e.verdict()))
			return
		}
	}
	s.next.ServeHTTP(w, r)
}

// New is the stage that lets requests pass that have what each table for them asks for. Both stages come after the one that
// knows the client's address.
func New(o Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &stage{o, next} }
}

type stage struct {
	o    Options
	next http.Handler
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	client := clientOf(&rec.Info)
	for _, t := range s.o.Tables {
		if t.Match != nil && !t.Match(r) {
			continue
		}
		if x := t.pass(rec, r, client); x != nil {
			s.refuse(rec, r, t.Name, x)
			return
		}
	}
	s.next.ServeHTTP(w, r)
}

// clientOf is the client's address; invalid: it has none (a unix socket).
func clientOf(n *httpx.RequestInfo) netip.Addr {
	if !n.Trusted {
		return n.Peer.Addr()
	}
	a, _ := netip.ParseAddr(strings.Trim(n.RemoteAddr, "[]"))
	return httpx.PlainAddr(a)
}

// refusal is the answer to a request that may not pass.
type refusal struct {
	verdict Verdict
	status  int
	text    string        // of the page; empty: the usual one
	fields  http.Header   // of the answer
	retry   time.Duration // 0: no Retry-After
	user    string        // whose password was wrong
	err     error         // why it could not be found out whether the request may pass
	quiet   bool          // no record: it is counted only
	passed  bool          // the answer is a service's, with its fields and body
	body    []byte
}

func forbidden(v Verdict) *refusal {
	return &refusal{verdict: v, status: http.StatusForbidden, text: "Requests from your address are not accepted here."}
}

func (s *stage) refuse(rec *httpx.Writer, r *http.Request, table string, x *refusal) {
	rec.Info.Source, rec.Info.Refused = "server", "access"
	s.o.Records.request(table, x, &rec.Info, r)
	if x.status == http.StatusForbidden || r.ContentLength != 0 {
		rec.EndConnection() // the body, if there is one, has not been read
	}
	if x.passed {
		x.passOn(rec, r)
		return
	}
	for name, values := range x.fields {
		rec.Header()[name] = values
	}
	s.o.Pages.Write(rec, r, x.status, x.text, x.retry)
}

// deniedNow is the rule of the deny list.
const deniedNow = "standpipe deny"

func (e *Entry) verdict() Verdict {
	return Verdict{Denied: true, Rule: deniedNow + " " + e.Network.String(), Kind: deniedNow, listed: true}
}

// Closes reports whether a connection of an address is not to be served at all: a list of a table for every request denies it,
// or the deny list does. It records that. The caller has made sure that the other end is no proxy of others.
func Closes(o *Options, a netip.Addr) bool {
	if e, yes := o.Denied.Find(a, time.Now()); yes {
		o.Records.connection("", e.verdict(), a)
		return true
	}
	for _, t := range o.Tables {
		if t.Match != nil || t.Addresses == nil || t.Any {
			continue
		}
		if v := t.Addresses.Judge(a); v.Denied && v.listed {
			o.Records.connection(t.Name, v, a)
			return true
		}
	}
	return false
}
