package forwarded

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// aligned picks from a list the item that the same proxy wrote as the client's
// address, when both lists are as long as each other; else the last, which the
// peer itself wrote.
func aligned(list []string, hops, kept int) string {
	if len(list) == 0 {
		return ""
	}
	if len(list) == hops && kept > 0 {
		return list[hops-kept]
	}
	return list[len(list)-1]
}

// items splits a comma list over all lines of a field.
func items(lines []string) []string {
	list := make([]string, 0, 4)
	for _, line := range lines {
		for s := range strings.SplitSeq(line, ",") {
			if s = strings.Trim(s, " \t"); s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// one is the value of a field that comes once; empty for one that comes twice.
func one(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	return strings.Trim(lines[0], " \t")
}

func set(h http.Header, field, value string) {
	if value == "" {
		delete(h, field)
		return
	}
	h[field] = []string{value}
}

func ifValid(a netip.Addr, s string) string {
	if !a.IsValid() {
		return ""
	}
	return s
}

// address reads an address with or without a port: 10.0.0.1, 10.0.0.1:99, ::1,
// [::1], [::1]:99.
func address(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return httpx.PlainAddr(a), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return httpx.PlainAddr(ap.Addr()), true
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil {
			return httpx.PlainAddr(a), true
		}
	}
	return netip.Addr{}, false
}

// hostOK takes what can stand in a Host field (RFC 3986 3.2.2), no more.
func hostOK(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(".-_:[]~%", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= 255+6
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 5
}

// portOf is the port in a host; empty: there is none.
func portOf(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 || !digits(host[i+1:]) {
		return ""
	}
	return host[i+1:]
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}
