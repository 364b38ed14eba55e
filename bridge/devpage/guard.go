package devpage

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	cookieName = "standpipe_dev"
	tokenParam = "dev_token"
	// maxGuesses is how many wrong tokens are compared in a minute.
	maxGuesses = 10
)

// guard says which clients see details.
type guard struct {
	token string   // empty: clients of this machine do
	names []string // of the configuration, beside those of loopback

	mu      sync.Mutex
	minute  time.Time
	guesses int // wrong ones in that minute
}

// allows says whether the client of r sees details, and in one sentence why not.
//
// Without a token: a client of this machine that asked for this machine by name. A page of the web whose name leads to 127.0.0.1
// (DNS rebinding) sends its own name as Host; a script of another origin sends its Origin.
func (g *guard) allows(w http.ResponseWriter, r *http.Request) (ok bool, why string) {
	if origin := r.Header.Get("Origin"); origin != "" && !g.knows(originHost(origin)) && !sameHost(origin, r.Host) {
		return false, "the request comes from a page of another site"
	}
	if g.token != "" {
		if c, err := r.Cookie(cookieName); err == nil && subtle.ConstantTimeCompare([]byte(c.Value), []byte(g.cookie())) == 1 {
			return true, ""
		}
		return false, "open the page once with ?dev_token=SECRET at the end of its address"
	}
	if a, err := netip.ParseAddr(httpx.Of(w).RemoteAddr); err == nil && !a.Unmap().IsLoopback() {
		return false, "the client is not on this machine; set dev_token for others"
	}
	if !g.knows(hostname(r.Host)) {
		return false, "this host is not known to be this machine: use localhost, set hosts of the app, or dev_token"
	}
	return true, ""
}

// knows says whether a host name means this machine: names that no one else's DNS answers for, and those of the configuration.
func (g *guard) knows(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(g.names, host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// hostname is the host of a Host field, in lower case, without port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// cookie is the value that shows that its client has sent the token. It outlives this process, and does not contain the token.
func (g *guard) cookie() string {
	mac := hmac.New(sha256.New, []byte(g.token))
	mac.Write([]byte("standpipe: dev_token's cookie"))
	return hex.EncodeToString(mac.Sum(nil))
}

// take takes the token from the query of a request, if there is one. It reports whether it has answered: with the cookie and the
// address without the token, or with a refusal.
func (g *guard) take(w http.ResponseWriter, r *http.Request, now time.Time) bool {
	if g.token == "" || !strings.Contains(r.URL.RawQuery, tokenParam) {
		return false
	}
	given, rest := cutParam(r.URL.RawQuery)
	if given == nil {
		return false
	}
	u := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: rest}
	r.RequestURI = u.RequestURI() // the access log is not to have it
	h := w.Header()
	h["Cache-Control"], h["Referrer-Policy"] = []string{"no-store"}, []string{"no-referrer"}
	if !g.may(now) {
		h["Retry-After"] = []string{"60"}
		answer(w, r, http.StatusTooManyRequests, "too many wrong values of dev_token\n")
		return true
	}
	want, got := sha256.Sum256([]byte(g.token)), sha256.Sum256([]byte(*given))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		g.wrong()
		answer(w, r, http.StatusForbidden, "this is not the dev_token\n")
		return true
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: g.cookie(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: httpx.Of(w).Scheme == "https"})
	h["Location"] = []string{strings.Replace(r.RequestURI, "//", "/", 1)} // never another host
	answer(w, r, http.StatusSeeOther, "")
	return true
}

// may says whether a further token is compared now.
func (g *guard) may(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.minute) >= time.Minute {
		g.minute, g.guesses = now, 0
	}
	return g.guesses < maxGuesses
}

func (g *guard) wrong() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.guesses++
}

// cutParam returns the token of a query, and the query without it. nil: it has none.
func cutParam(query string) (token *string, rest string) {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name != tokenParam {
			kept = append(kept, part)
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		token = &value
	}
	return token, strings.Join(kept, "&")
}
