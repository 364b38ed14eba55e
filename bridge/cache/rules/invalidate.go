package rules

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// maxReference bounds the length of a Location that is resolved.
const maxReference = 8 << 10

// Unsafe reports whether a method may change something (RFC 9110 9.2.1). One that is not known may.
func Unsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "REPORT", "SEARCH", "QUERY":
		return false
	}
	return true
}

// Invalidates returns the URIs of which the stored answers are no longer valid after the response to a request
// (RFC 9111 4.4): the target's, and those of Location and Content-Location that are of the same origin. target has
// scheme and host as in the key.
func Invalidates(method string, status int, target *url.URL, answer http.Header) []string {
	if !Unsafe(method) || status < 200 || status > 399 {
		return nil
	}
	list := []string{uri(target)}
	for _, name := range [...]string{"Location", "Content-Location"} {
		ref := strings.Trim(first(answer[name]), " \t")
		if answer[name] == nil || len(ref) > maxReference {
			continue
		}
		u, err := target.Parse(ref)
		if err != nil || u.Opaque != "" || !sameOrigin(u, target) {
			continue
		}
		u.Scheme, u.Host, u.RawPath = target.Scheme, target.Host, resolve(target, ref)
		if at := uri(u); !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// resolve is the path of a reference, without dot segments. net/url would encode what clients send as it is.
func resolve(target *url.URL, ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	base, path := httpx.RawPath(target), httpx.RawPath(u)
	switch {
	case strings.HasPrefix(path, "/"):
	case u.Host != "":
		path = "/"
	case path == "":
		path = base
	default:
		path = base[:strings.LastIndexByte(base, '/')+1] + path
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return httpx.RemoveDots(path)
}

// uri is scheme://host/path?query.
func uri(u *url.URL) string {
	at := u.Scheme + "://" + u.Host + httpx.RawPath(u)
	if u.RawQuery != "" || u.ForceQuery {
		at += "?" + u.RawQuery
	}
	return at
}

// sameOrigin compares scheme, host and port (RFC 9110 4.3.1).
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	default:
		return "80"
	}
}
