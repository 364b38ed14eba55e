package cache

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// MethodOptions are the settings of the stage of PURGE.
type MethodOptions struct {
	// Cache returns the Cache; nil: there is none yet, and nothing is stored.
	Cache func() *Cache
	// From are the clients that may purge.
	From []netip.Prefix
	// IgnoreQuery are parameters that URLs are stored without, as StageOptions has them.
	IgnoreQuery []string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets purge_refused and purge_failed.
	Log hclog.Logger
}

// Method is the stage that answers requests with the method PURGE. It comes after the one that knows the client's address. Others
// cost it one comparison.
//
//	PURGE /path?query                      what is stored for this URL of the request's host, by http and by https
//	  Standpipe-Purge: prefix              for all URLs that begin so
//	  Standpipe-Purge: soft                it becomes stale; so does Fastly-Soft-Purge: 1
//	  Surrogate-Key, Cache-Tag, Cache-Groups  what is in one of these groups of the host, in place of the URL
func Method(o MethodOptions) func(http.Handler) http.Handler {
	refused := &httpx.LogLimiter{Every: time.Minute}
	return func(next http.Handler) http.Handler { return &method{o, refused, next} }
}

type method struct {
	o       MethodOptions
	refused *httpx.LogLimiter // purge_refused, by client
	next    http.Handler
}

func (s *method) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != "PURGE" {
		s.next.ServeHTTP(w, r)
		return
	}
	rec := w.(*httpx.Writer)
	rec.Info.Source = "server"
	if r.ContentLength != 0 {
		rec.EndConnection() // the body is not read
	}
	if client := clientOf(&rec.Info); !slices.ContainsFunc(s.o.From, func(p netip.Prefix) bool { return p.Contains(client) }) {
		s.refuse(rec, r)
		return
	}
	p, why := purgesOf(r)
	if why != "" {
		s.o.Pages.Write(w, r, http.StatusBadRequest, why, 0)
		return
	}
	p.IgnoreQuery = s.o.IgnoreQuery
	var removed int
	var err error
	if c := s.o.Cache(); c != nil {
		removed, err = c.PurgeEach(r.Context(), p)
	}
	answer := purgeAnswer{Purged: removed}
	status := http.StatusOK
	if err != nil {
		status, answer.Error = http.StatusServiceUnavailable, "some of it may still be stored"
		s.o.Log.Error("purge_failed", "client", rec.Info.RemoteAddr, "id", rec.Info.ID, "host", r.Host, "target", r.RequestURI, "removed", removed, "error", err)
	}
	b, _ := json.Marshal(&answer)
	b = append(b, '\n')
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may have disconnected
}

// purgeAnswer is the response to a PURGE.
type purgeAnswer struct {
	Purged int    `json:"purged"`
	Error  string `json:"error,omitempty"`
}

func (s *method) refuse(rec *httpx.Writer, r *http.Request) {
	n := &rec.Info
	rec.EndConnection()
	client := n.RemoteAddr
	if client == "" {
		client = "unix"
	}
	if s.refused.Allow(client, time.Now()) {
		s.o.Log.Warn("purge_refused", "client", client, "id", n.ID, "host", r.Host, "target", r.RequestURI,
			"message", "a PURGE of "+client+" was refused: cache_purge_from does not name its address (logged once a minute for each address)")
	}
	s.o.Pages.Write(rec, r, http.StatusForbidden, "Requests with this method are not accepted from your address.", 0)
}

// clientOf is the client's address; invalid: it has none (a unix socket).
func clientOf(n *httpx.RequestInfo) netip.Addr {
	if !n.Trusted {
		return n.Peer.Addr()
	}
	a, _ := netip.ParseAddr(strings.Trim(n.RemoteAddr, "[]"))
	return httpx.PlainAddr(a)
}

// purgesOf is what a PURGE names; why is not empty when it is none.
func purgesOf(r *http.Request) (p Purges, why string) {
	prefix := false
	for _, line := range r.Header["Standpipe-Purge"] {
		for word := range strings.SplitSeq(line, ",") {
			switch word = strings.ToLower(textproto.TrimString(word)); word {
			case "soft":
				p.Soft = true
			case "prefix":
				prefix = true
			case "":
			default:
				return p, "Standpipe-Purge is soft, prefix, or both."
			}
		}
	}
	p.Soft = p.Soft || r.Header.Get("Fastly-Soft-Purge") == "1"
	origins := []string{originOfHost("http", r.Host), originOfHost("https", r.Host)} // a script on this machine asks by http for what others get by https
	if p.Groups = rules.Groups(r.Header); len(p.Groups) > 0 {
		if prefix {
			return p, "A purge is of groups, or of URLs that begin so, not of both."
		}
		p.Origins = origins
		return p, ""
	}
	b, _ := appendSpelled(nil, httpx.RawPath(r.URL))
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		b, _ = appendSpelled(append(b, '?'), r.URL.RawQuery)
	}
	target := string(b)
	for _, origin := range origins {
		if prefix {
			p.Prefixes = append(p.Prefixes, origin+target)
		} else {
			p.URLs = append(p.URLs, origin+target)
		}
	}
	return p, ""
}
