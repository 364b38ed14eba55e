package http1

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// form is the form of a request target (RFC 9112 3.2).
type form uint8

const (
	originForm form = iota
	absoluteForm
	authorityForm // CONNECT alone
	asteriskForm  // OPTIONS alone
)

var errTarget = refuse(400, "target", "the request target has none of the forms of RFC 9112 3.2, or holds a byte that no URI has")

// formOf checks a target and returns its form.
func formOf(method, target string) (form, *Refusal) {
	switch {
	case target == "" || !only(target, &targetBytes):
		return 0, errTarget
	case method == "CONNECT":
		_, port, _ := strings.Cut(target[strings.LastIndexByte(target, ']')+1:], ":")
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || !cgi.ValidHost(target) { // RFC 9110 9.3.6
			return 0, errTarget
		}
		return authorityForm, nil
	case target[0] == '/':
		return originForm, nil
	case target == "*":
		if method != "OPTIONS" {
			return 0, errTarget
		}
		return asteriskForm, nil
	}
	if _, ok := authority(target); !ok {
		return 0, errTarget
	}
	return absoluteForm, nil
}

// authority returns the authority of a target in the absolute form (RFC 9110 4.2).
func authority(target string) (string, bool) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return "", false
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest, cgi.ValidHost(rest)
}

// targetBytes are the bytes that a target may hold: those that are visible in ASCII, but for
// "#", because a fragment is the client's own (RFC 9110 4.2.5). Some clients send bytes that
// RFC 3986 wants encoded, such as "|".
var targetBytes = func() (t [256]bool) {
	for c := '!'; c <= '~'; c++ {
		t[c] = c != '#'
	}
	return t
}()

// plainBytes are those of a path that url.URL writes as they are.
var plainBytes = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/$&+,:;=@") {
		t[c] = true
	}
	return t
}()

func only(s string, in *[256]bool) bool {
	for i := range len(s) {
		if !in[s[i]] {
			return false
		}
	}
	return true
}

// setURL sets u to the target of h.
func (h *head) setURL(u *url.URL) *Refusal {
	switch h.form {
	case originForm:
		path, query, asked := strings.Cut(h.target, "?")
		if only(path, &plainBytes) {
			*u = url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
			return nil
		}
	case authorityForm:
		*u = url.URL{Host: h.target}
		return nil
	case asteriskForm:
		*u = url.URL{Path: "*"}
		return nil
	}
	parsed, err := url.ParseRequestURI(h.target)
	if err != nil {
		return errTarget
	}
	*u = *parsed
	return nil
}
