package dashboard

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy lets the page load what this server has, and nothing else; no script or style inside a document runs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// protect sets the fields that each answer has.
func protect(f http.Header) {
	f.Set("Content-Security-Policy", policy)
	f.Set("X-Content-Type-Options", "nosniff")
	f.Set("X-Frame-Options", "DENY")
	f.Set("Cross-Origin-Resource-Policy", "same-origin")
	f.Set("Referrer-Policy", "same-origin") // with no-referrer the Origin of a form would be null
	f.Set("Cache-Control", "no-store")
}

// localHost reports whether a Host field names this machine. The name of a page that rebinds it to 127.0.0.1 is another one.
func localHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(name), "["), "]")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// foreign reports whether a browser says that the page of another origin makes the request. Navigation is none.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
		return false
	case "none": // typed by a person
		return r.Method != http.MethodGet
	}
	return true // same-site too: apps have other ports of this host
}

// ownOrigin reports whether a browser says that a page of this server makes the request. Without a word of it the answer is no.
func ownOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// refusal is the JSON of an answer that is not what was asked for; package admin's Problem has the same form.
type refusal struct {
	Err    string `json:"error"`
	Detail string `json:"detail"`
}

func refuse(w http.ResponseWriter, status int, word, detail string) {
	b, _ := json.Marshal(refusal{word, detail})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // fails if the client has disconnected
}

// redirect leads to a page of this server. The path is relative: a proxy in front may have a prefix.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
