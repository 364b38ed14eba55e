package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/forwarded"
)

// The settings of the server that are no plain field.

// setBind replaces all addresses.
func setBind(t target, in input) error {
	var out []Listen
	for _, v := range in.list() {
		l, err := ParseListen(v, in.base)
		if err != nil {
			return err
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return fmt.Errorf("%q names no address", in.last())
	}
	t.cfg.Listen = out
	return nil
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
var everybody = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

func setTrusted(t target, in input) error {
	var out []netip.Prefix
	list := in.list()
	if slices.Contains(list, "none") && len(list) > 1 {
		return fmt.Errorf("%q: none stands alone", strings.Join(list, ","))
	}
	unix := len(list) > 0 && list[0] != "none"
	for _, v := range list {
		switch v {
		case "none", "unix":
		case "*":
			out = append(out, everybody...)
		case "loopback", "localhost":
			out = append(out, loopback...)
		default:
			p, err := parseNetwork(v)
			if err != nil {
				return err
			}
			out = append(out, p)
		}
	}
	t.cfg.Trust.Proxies, t.cfg.Trust.Unix = out, unix
	return nil
}

// setTrustedFields replaces the list.
func setTrustedFields(t target, in input) error {
	list := in.list()
	if _, err := forwarded.ParseFields(list); err != nil {
		return err
	}
	t.cfg.Trust.Fields = list
	return nil
}

func setHealthPath(t target, in input) error {
	v := in.last()
	if v != "off" {
		v = "/" + strings.Trim(v, "/")
		if why := badMount(v); why != "" || !strings.HasPrefix(in.last(), "/") || strings.Contains(v, "%") {
			return fmt.Errorf("%q is not a path such as /-/health, nor off", in.last())
		}
	}
	t.cfg.Responses.HealthPath = v
	return nil
}

// Health are the paths of the health checks; none: they are off.
func (r *Responses) Health() []string {
	if r.HealthPath == "off" {
		return nil
	}
	at := strings.TrimSuffix(r.HealthPath, "/")
	return []string{at + "/livez", at + "/readyz"}
}

func parseNetwork(v string) (netip.Prefix, error) {
	bad := func() error {
		return fmt.Errorf("%q is not an address or a network; write 10.0.3.7, 10.0.0.0/8, loopback, unix, * or none", v)
	}
	if !strings.Contains(v, "/") {
		a, err := netip.ParseAddr(v)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, bad()
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return netip.Prefix{}, bad()
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has host bits set; the network is %s", v, p.Masked())
	}
	return p, nil
}

func showTrusted(t target) (string, bool) {
	var out []string
	for _, p := range t.cfg.Trust.Proxies {
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
		} else {
			out = append(out, p.String())
		}
	}
	if t.cfg.Trust.Unix {
		out = append(out, "unix")
	}
	return cmp.Or(strings.Join(out, ","), "none"), true
}

// setErrorPage adds to what is there.
func setErrorPage(t target, in input) error {
	for _, v := range in.list() {
		status, file, ok := strings.Cut(v, "=")
		n, err := strconv.Atoi(status)
		if !ok || err != nil || file == "" {
			return fmt.Errorf("%q is not STATUS=FILE, as 503=busy.html", v)
		}
		if n < 400 || n > 599 {
			return fmt.Errorf("%q: %d is not the status of an error; 400 to 599 are", v, n)
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(in.base, file)
		}
		if t.cfg.Responses.ErrorPages == nil {
			t.cfg.Responses.ErrorPages = make(map[int]string)
		}
		t.cfg.Responses.ErrorPages[n] = file
	}
	return nil
}

func showErrorPage(t target) (string, bool) {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(t.cfg.Responses.ErrorPages)) {
		out = append(out, fmt.Sprintf("%d=%s", n, t.cfg.Responses.ErrorPages[n]))
	}
	return strings.Join(out, ","), len(out) > 0
}

// logFile sets where a log goes: "-", "off" where that is allowed, or a file.
func logFile(at func(*Config) *string, off bool) func(target, input) error {
	return func(t target, in input) error {
		v := in.last()
		switch {
		case v == "-":
		case v == "off" && off:
		case v == "off":
			return fmt.Errorf("the error log cannot be switched off; --log-level error keeps it short")
		case v == "":
			return fmt.Errorf("the value is empty; write - or a file's name")
		case !filepath.IsAbs(v):
			v = filepath.Join(in.base, v)
		}
		*at(t.cfg) = v
		return nil
	}
}

func showText(f func(*Config) string) func(target) (string, bool) {
	return func(t target) (string, bool) { return f(t.cfg), true }
}

// ParseLevel reads a log level; gunicorn's words for them are understood.
func ParseLevel(text string) (string, error) {
	v := strings.ToLower(text)
	switch v {
	case "warning":
		v = "warn"
	case "critical", "fatal":
		v = "error"
	}
	levels := []string{"trace", "debug", "info", "warn", "error"}
	if !slices.Contains(levels, v) {
		return "", fmt.Errorf("%q is not one of %s", text, strings.Join(levels, ", "))
	}
	return v, nil
}

func setLevel(t target, in input) (err error) {
	v, err := ParseLevel(in.last())
	if err != nil {
		return err
	}
	t.cfg.Logs.Level = v
	return nil
}
