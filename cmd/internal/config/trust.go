package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Trust says which peers may name another client (X-Forwarded-*, Forwarded, X-Real-IP), and by which fields.
type Trust struct {
	Proxies []netip.Prefix
	Unix    bool     // peers on unix sockets are trusted
	Fields  []string // as forwarded.ParseFields reads them
}

var (
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	everyone = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
)

// Settings are keys at the top.
func (*Trust) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		// As with gunicorn, FORWARDED_ALLOW_IPS is a default: every setting of ours wins over it.
		{Key: "trusted_proxies", Kind: schema.List, Flags: []string{"trusted-proxies", "forwarded-allow-ips"}, Hint: "NETWORK,...", Reload: true,
			Default: "loopback,unix", Derived: "FORWARDED_ALLOW_IPS when it is set", Fallback: "FORWARDED_ALLOW_IPS",
			Set: schema.Set(setTrusted), Show: schema.Show(showTrusted)},
		{Key: "trusted_fields", Kind: schema.List, Default: "for,proto", Reload: true, Hint: "FIELD,...",
			Set: schema.Set(func(t *Trust, in schema.Input) error {
				list := in.List()
				if _, err := forwarded.ParseFields(list); err != nil {
					return err
				}
				t.Fields = list
				return nil
			}), Show: schema.Show(func(t *Trust) (string, bool) { return strings.Join(t.Fields, ","), true })},
	}}
}

func setTrusted(t *Trust, in schema.Input) error {
	var out []netip.Prefix
	list := in.List()
	if slices.Contains(list, "none") && len(list) > 1 {
		return fmt.Errorf("%q: none cannot be combined with others", strings.Join(list, ","))
	}
	unix := len(list) > 0 && list[0] != "none"
	for _, v := range list {
		switch v {
		case "none", "unix":
		case "*":
			out = append(out, everyone...)
		case "loopback", "localhost":
			out = append(out, loopback...)
		default:
			p, err := parseNetwork(v, "10.0.3.7, 10.0.0.0/8, loopback, unix, * or none")
			if err != nil {
				return err
			}
			out = append(out, p)
		}
	}
	t.Proxies, t.Unix = out, unix
	return nil
}

// parseNetwork reads an address or a network. forms are what one may write, for messages.
func parseNetwork(v, forms string) (netip.Prefix, error) {
	bad := fmt.Errorf("%q is not an address or a network; write %s", v, forms)
	if !strings.Contains(v, "/") {
		a, err := netip.ParseAddr(v)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, bad
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return netip.Prefix{}, bad
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has host bits set; the network is %s", v, p.Masked())
	}
	return p, nil
}

func showTrusted(t *Trust) (string, bool) {
	out := networkTexts(t.Proxies)
	if t.Unix {
		out = append(out, "unix")
	}
	return cmp.Or(strings.Join(out, ","), "none"), true
}

// networkTexts are networks as one would write them.
func networkTexts(list []netip.Prefix) (out []string) {
	for _, p := range list {
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
		} else {
			out = append(out, p.String())
		}
	}
	return out
}
