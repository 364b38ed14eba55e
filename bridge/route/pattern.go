package route

import (
	"fmt"
	"net/http"
	"strings"
)

// Pattern is one mount and one host pattern: an app answers for one of them or several.
type Pattern struct {
	// Mount is "" (everything) or "/shop": no slash at the end.
	Mount string
	// Host is "" (any), "shop.example.org", or "*.example.org"; lower case, no
	// port, no dot at the end.
	Host string
}

// NewPattern checks and normalises a mount and a host pattern. "/" and "" are the mount of
// everything; "" and "*" are any host.
func NewPattern(mount, host string) (Pattern, error) {
	if mount != "" && mount[0] != '/' {
		return Pattern{}, fmt.Errorf("mount %q: must begin with /", mount)
	}
	mount = strings.TrimRight(mount, "/")
	if strings.ContainsAny(mount, "?#*") {
		return Pattern{}, fmt.Errorf("mount %q: must not hold ?, # or *", mount)
	}
	h := host
	if h == "*" {
		h = ""
	}
	h = CanonicalHost(h)
	rest := strings.TrimPrefix(h, "*.")
	if strings.ContainsAny(rest, "*/ \t") || h != "" && rest == "" {
		return Pattern{}, fmt.Errorf("host %q: must be a name, or a name after \"*.\"", host)
	}
	return Pattern{Mount: mount, Host: h}, nil
}

// Match looks at the decoded path and at the Host (RFC 9110 7.2; of an
// absolute-form target, the way in has put that one into r.Host).
func (p *Pattern) Match(r *http.Request) bool {
	return Under(r.URL.Path, p.Mount) && (p.Host == "" || p.host(CanonicalHost(r.Host)))
}

// host expects a canonical name. A wildcard takes any depth of subdomains, but
// not the name itself.
func (p *Pattern) host(h string) bool {
	if p.Host == "" || p.Host == h {
		return true
	}
	return strings.HasPrefix(p.Host, "*.") && len(h) >= len(p.Host) && strings.HasSuffix(h, p.Host[1:])
}

// Under reports whether path lies under mount, at a segment's boundary: "/shop"
// takes "/shop" and "/shop/x", never "/shopping".
func Under(path, mount string) bool {
	return strings.HasPrefix(path, mount) && (len(path) == len(mount) || mount == "" || path[len(mount)] == '/')
}

// CanonicalHost takes off the port, the brackets of an IPv6 address and one dot
// at the end, and makes ASCII letters small. Other bytes are compared as they
// are: case folding of Unicode would make different names equal.
func CanonicalHost(s string) string {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			return lower(s[1:i])
		}
	}
	if i := strings.IndexByte(s, ':'); i >= 0 && i == strings.LastIndexByte(s, ':') {
		s = s[:i]
	}
	return lower(strings.TrimSuffix(s, "."))
}

func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
