package address

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1 80", "Example.org": "example.org ", "a_b-c.d.:1": "a_b-c.d. 1", "[::1]": "::1 ", "[0:0::1]:8": "::1 8", "[fe80::1%Eth0.1]:8": "fe80::1%Eth0.1 8",
		"[::ffff:1.2.3.4]": "::ffff:1.2.3.4 ", "1a": "1a ", "xn--bcher-kva.example": "xn--bcher-kva.example ", strings.Repeat("a", 63): strings.Repeat("a", 63) + " ",
	} {
		if host, port, err := Split(text); err != nil || host+" "+port != want {
			t.Errorf("%q: %q %q %v", text, host, port, err)
		}
	}
	for text, want := range map[string]string{
		"": "no host", ":80": "no host", "a:": "colon", "[::1]:": "colon", "::1": "[::1]", "::1:80": "[::1:80]", "0[0:80": "0[0", "0[0": "0[0", "[a.org]:80": "brackets", "[127.0.0.1]": "brackets",
		"[::1": "brackets", "::1]": "brackets", "[[::1]]": "brackets", "[fe80::1%a b]:80": "brackets", "[fe80::1%]": "brackets", "a b": "a b", "a..b": "dots", ".a": "dots", "a..": "dots", ".": "host",
		"-a": "-a", "a-.b": "begins or ends", "1.2.3": "four numbers", "256.0.0.1": "four numbers", "1.2.3.04": "four numbers", "bücher.example": "xn--", "a*": "letters", "a%41": "letters",
		strings.Repeat("a", 64): "63", strings.Repeat("a.", 127) + "aa": "253", "a:b:c": "letters", "a\x00": "letters",
	} {
		if host, port, err := Split(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %q %v", text, host, port, err)
		}
	}
	for text, want := range map[string]string{"a": "a:53", "::1": "[::1]:53", "[::1]": "[::1]:53", "[::1]:1": "[::1]:1", "1.2.3.4:5": "1.2.3.4:5"} {
		if got, err := WithPort(text, "53"); err != nil || got != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for _, text := range []string{"a:0", "a:65536", "a:x", "a:+1", ":1", "a/b"} {
		if got, err := WithPort(text, "53"); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestURL(t *testing.T) {
	for _, text := range []string{"http://a", "https://[::1]:8/x", "http://[fe80::1%25eth0]/", "https://u:p@a.org?x#y"} {
		if _, err := URL(text, "http", "https"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"": "http", "a": "http:// or https://", "ftp://a": "http:// or https://", "http://": "no host", "http://:1": "no host", "http://a:0": "port", "http://a:99999": "port", "http://a_b*": "letters", "http://a..b": "dots",
		"http://[::1": "not a URL", "http://1.2.3": "four", "http://a:": "colon",
	} {
		if u, err := URL(text, "http", "https"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v", text, u, err)
		}
	}
}

// What is accepted can be dialed, and means the same when it is read again, alone and in a URL.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"a.org:80", "[::1]:1", "0[0:80", "[fe80::1%eth0]", "::1", "1.2.3.4:", "a_b-c."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, port, err := Split(text)
		if err != nil {
			return
		}
		if _, err := Port(port); err != nil {
			port = "80"
		}
		joined := net.JoinHostPort(host, port)
		if again, p, err := Split(joined); err != nil || again != host || p != port {
			t.Errorf("%q is %q %q, and %q is %q %q %v", text, host, port, joined, again, p, err)
		}
		if h, p, err := net.SplitHostPort(joined); err != nil || h != host || p != port {
			t.Errorf("%q: %q %q %v", joined, h, p, err)
		}
		if u, err := url.Parse("http://" + strings.Replace(joined, "%", "%25", 1)); err != nil || u.Host != joined || InURL(u) != nil {
			t.Errorf("%q: %v %v", joined, u, err)
		}
		if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":[]%/ \x00") {
			t.Errorf("%q: %q", text, host)
		}
	})
}
