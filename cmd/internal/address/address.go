// Package address reads the hosts of configurations: addresses to listen on, upstreams, URLs of other servers. A host that no
// resolver would look up is found here, not by the first request. Errors are the end of a sentence and name the host.
package address

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ErrPort: a colon is the last character.
var ErrPort = errors.New("there is no port after the colon")

// Split reads HOST or HOST:PORT. The host is as Host returns it. The port is as written, and empty where there is none.
func Split(text string) (host, port string, err error) {
	at := strings.LastIndexByte(text, ':')
	if at < strings.LastIndexByte(text, ']') { // the colons of an IPv6 address
		at = -1
	}
	host = text
	if at >= 0 {
		if a, err := netip.ParseAddr(text); err == nil && a.Is6() {
			return "", "", fmt.Errorf("write an IPv6 address in brackets, as [%s]", text)
		}
		host, port = text[:at], text[at+1:]
	}
	if host, err = Host(host); err == nil && at >= 0 && port == "" {
		err = ErrPort
	}
	return host, port, err
}

// WithPort reads HOST or HOST:PORT and returns HOST:PORT, with this port where there is none. An IPv6 address without a port needs
// no brackets.
func WithPort(text, port string) (string, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Is6() {
		text = "[" + text + "]"
	}
	host, own, err := Split(text)
	if err == nil {
		port = cmp.Or(own, port)
		_, err = Port(port)
	}
	return net.JoinHostPort(host, port), err
}

// Host reads an IPv4 address, an IPv6 address in brackets, or a DNS name. An IPv6 address is returned without brackets and in its
// usual form (RFC 5952), a name in lower case.
func Host(text string) (string, error) {
	if text == "" {
		return "", errors.New("there is no host")
	}
	a, err := netip.ParseAddr(text)
	inner, closed := strings.CutSuffix(text, "]")
	switch {
	case err == nil && a.Is4():
		return text, nil
	case err == nil:
		return "", fmt.Errorf("write an IPv6 address in brackets, as [%s]", text)
	case closed && strings.HasPrefix(inner, "["):
		if a, err = netip.ParseAddr(inner[1:]); err != nil || !a.Is6() || strings.ContainsFunc(a.Zone(), notInName) {
			return "", fmt.Errorf("%q is not a host; brackets are for an IPv6 address, such as [::1]", text)
		}
		return a.String(), nil
	}
	return strings.ToLower(text), Name(text)
}

// Name checks a DNS name. One dot at the end is possible.
func Name(text string) error {
	if why := BadName(text); why != "" {
		return fmt.Errorf("%q %s", text, why)
	}
	return nil
}

// BadName says what is wrong with a DNS name; empty: nothing. What Go's resolver refuses to look up is refused here.
func BadName(text string) string {
	name := strings.TrimSuffix(text, ".")
	switch {
	case name == "":
		return "is not a host's name"
	case strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 }):
		return "has letters outside of ASCII; write it as clients send it, in the xn-- form"
	case strings.ContainsFunc(name, notInName):
		return "is not a host; a name has letters, digits, - and _ between dots, an IPv6 address is in brackets"
	case len(name) > 253:
		return fmt.Sprintf("is not a host's name; it has %d bytes, and a name has at most 253", len(name))
	case strings.Trim(name, "0123456789.") == "":
		return "is not a host; an IPv4 address is four numbers from 0 to 255 without zeros in front"
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return "is not a host's name; there is nothing between two dots, or in front of the first"
		case len(label) > 63:
			return "is not a host's name; at most 63 bytes are between two dots"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "is not a host's name; no part between dots begins or ends with -"
		}
	}
	return ""
}

func notInName(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_')
}

// Port reads a port that can be connected to.
func Port(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port; ports are 1 to 65535", text)
	}
	return uint16(n), nil
}

// URL reads an absolute URL with one of these schemes, and checks its host and its port.
func URL(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL", text)
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("%q is not a URL that begins with %s://", text, strings.Join(schemes, ":// or "))
	}
	if err := InURL(u); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return u, nil
}

// InURL checks the host and the port of a URL.
func InURL(u *url.URL) error {
	_, port, err := Split(u.Host)
	if err != nil || port == "" {
		return err
	}
	_, err = Port(port)
	return err
}
