package cgi

import "testing"

func TestValidHost(t *testing.T) {
	for _, host := range []string{"a", "example.org", "example.org:80", "example.org:", "a_b.example", "127.0.0.1:8000", "[::1]", "[::1]:8000", "[::ffff:1.2.3.4]", "a.", "xn--bcher-kva.example"} {
		if !ValidHost(host) {
			t.Errorf("%q is refused", host)
		}
	}
	for _, host := range []string{"", ":80", "a,b", "a:abc", "a%2fb", "a/b", "a b", "a\tb", "a@b", "a:1:2", "a:-1", "[::1", "::1]", "[::1]x", "[]", "[a.b]", "a\x00", "b\xfccher", `a"b`, "a\\b", "a?b", "a#b", "[::1%25eth0]"} {
		if ValidHost(host) {
			t.Errorf("%q is taken", host)
		}
	}
}
