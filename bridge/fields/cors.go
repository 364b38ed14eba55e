package fields

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// CORSOptions say which pages of other origins may read responses (Fetch standard, 3.2).
type CORSOptions struct {
	// Origins are "https://shop.example.org", "https://*.example.org", "null", or "*" for all.
	Origins []string
	// Methods and Headers may be used beside those that need no permission. "*" among the headers: all.
	Methods, Headers []string
	// Expose are fields of responses that pages may read beside the usual ones.
	Expose []string
	// Credentials: cookies may be sent; not with all origins.
	Credentials bool
	// MaxAge is how long browsers keep the answer to a preflight request; 0: as long as they think right.
	MaxAge time.Duration
}

// ParseOrigin checks an item of Origins.
func ParseOrigin(s string) error {
	if s == "*" || s == "null" {
		return nil
	}
	u, err := url.Parse(strings.Replace(s, "://*.", "://any.", 1))
	switch {
	case err != nil || u.Host == "" || u.Scheme == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Host, "*") || strings.ContainsAny(s, "?#"):
		return fmt.Errorf("%q is not an origin; write https://shop.example.org, https://*.example.org or *", s)
	case s != strings.ToLower(s):
		return fmt.Errorf("%q has capital letters; browsers send %s", s, strings.ToLower(s))
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		return fmt.Errorf("%q has the usual port; browsers leave it out", s)
	}
	return nil
}

// CORS is the stage that answers preflight requests, and gives responses the fields of CORS. Those that the handler sets
// give way. nil: there are no origins.
func CORS(o CORSOptions) func(next http.Handler) http.Handler {
	if len(o.Origins) == 0 {
		return nil
	}
	c := cors{o: o, all: slices.Contains(o.Origins, "*"), anyHeader: slices.Contains(o.Headers, "*")}
	c.methods, c.headers, c.expose = strings.Join(o.Methods, ", "), strings.Join(o.Headers, ", "), strings.Join(o.Expose, ", ")
	if o.MaxAge > 0 {
		c.maxAge = strconv.FormatInt(int64(o.MaxAge/time.Second), 10)
	}
	return func(next http.Handler) http.Handler {
		one := c
		one.next = next
		return &one
	}
}

type cors struct {
	o                                CORSOptions
	all, anyHeader                   bool
	methods, headers, expose, maxAge string
	next                             http.Handler
}

func (c *cors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	origin := ""
	if v := r.Header["Origin"]; len(v) == 1 {
		origin = v[0]
	}
	if r.Method == http.MethodOptions && origin != "" && r.Header["Access-Control-Request-Method"] != nil {
		c.preflight(w, r, origin)
		return
	}
	rec := writerOf(w)
	httpx.BeforeHead(rec, func(_ int, h http.Header) { c.allow(h, origin) })
	c.next.ServeHTTP(rec, r)
}

// allowed reports whether pages of the origin may read responses.
func (c *cors) allowed(origin string) bool {
	if origin == "" || !httpx.ValidValue(origin) {
		return false
	}
	for _, o := range c.o.Origins {
		if o == "*" || o == origin {
			return true
		}
		scheme, parent, wild := strings.Cut(o, "://*.")
		if !wild {
			continue
		}
		rest, ok := strings.CutPrefix(origin, scheme+"://")
		if name, end := strings.CutSuffix(rest, "."+parent); ok && end && name != "" && !strings.ContainsAny(name, "/@:?#\\") {
			return true
		}
	}
	return false
}

// allow sets the fields that responses and answers to preflight requests have. Caches must tell origins apart, also where
// a request has none (Fetch standard, 3.2.5).
func (c *cors) allow(h http.Header, origin string) (ok bool) {
	for key := range h {
		if len(key) > len("Access-Control-") && strings.EqualFold(key[:len("Access-Control-")], "Access-Control-") {
			delete(h, key)
		}
	}
	if !c.all {
		vary(h, "Origin")
	}
	switch {
	case c.all:
		h["Access-Control-Allow-Origin"] = []string{"*"}
	case !c.allowed(origin):
		return false
	default:
		h["Access-Control-Allow-Origin"] = []string{origin}
		if c.o.Credentials {
			h["Access-Control-Allow-Credentials"] = []string{"true"}
		}
	}
	if c.expose != "" {
		h["Access-Control-Expose-Headers"] = []string{c.expose}
	}
	return true
}

// preflight answers a browser that asks what a page may send (Fetch standard, 4.8). A page that may not gets an answer
// without the fields, and the browser says why in its console.
func (c *cors) preflight(w http.ResponseWriter, r *http.Request, origin string) {
	httpx.Of(w).Source = "server"
	h := w.Header()
	if c.allow(h, origin) {
		delete(h, "Access-Control-Expose-Headers")
		h["Access-Control-Allow-Methods"] = []string{c.methods}
		wanted := strings.Join(r.Header["Access-Control-Request-Headers"], ", ")
		switch {
		case !c.anyHeader && c.headers != "":
			h["Access-Control-Allow-Headers"] = []string{c.headers}
		case c.anyHeader && wanted != "" && httpx.ValidValue(wanted): // with credentials a * means nothing
			h["Access-Control-Allow-Headers"] = []string{wanted}
			vary(h, "Access-Control-Request-Headers")
		}
		if c.maxAge != "" {
			h["Access-Control-Max-Age"] = []string{c.maxAge}
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// vary adds a name to Vary, unless it is there.
func vary(h http.Header, name string) {
	key := find(h, "Vary")
	if key == "" {
		key = "Vary"
	}
	for _, line := range h[key] {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.TrimSpace(item); item == "*" || strings.EqualFold(item, name) {
				return
			}
		}
	}
	h[key] = append(h[key][:len(h[key]):len(h[key])], name)
}
