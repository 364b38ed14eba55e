package cgi

import "strings"

// ValidHost reports whether s can be a Host field's value (RFC 9110 7.2): a name, an IPv4
// address or an IPv6 address in brackets, and a port of digits, which may be empty. Of
// the characters that RFC 3986 3.2.2 allows in a name, "," and "%" are refused: some readers of
// the field take "," for a separator between two hosts, and decode "%".
func ValidHost(s string) bool {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || !only(s[1:end], &inIPv6) || strings.IndexByte(s[:end], ':') < 0 {
			return false
		}
		host, port = s[:end+1], s[end+1:]
	} else {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, port = s[:i], s[i:]
		}
		if !only(host, &inName) {
			return false
		}
	}
	if port != "" && (port[0] != ':' || !only(port[1:], &inPort)) {
		return false
	}
	return host != ""
}

var (
	inName = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~!$&'()*+;=")
	inIPv6 = set("0123456789abcdefABCDEF:.")
	inPort = set("0123456789")
)

func set(bytes string) (t [256]bool) {
	for i := range len(bytes) {
		t[bytes[i]] = true
	}
	return t
}

func only(s string, in *[256]bool) bool {
	for i := range len(s) {
		if !in[s[i]] {
			return false
		}
	}
	return true
}
