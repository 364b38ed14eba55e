package nginx

import (
	"fmt"
	"net"
	"strings"
)

// destination is a server that requests go to: the value of proxy_pass, uwsgi_pass or fastcgi_pass.
type destination struct {
	addresses []string // as in upstreams of [[route]]
	group     *group   // that they are of; nil: the one address stands in the directive itself
	uri       string   // what follows host and port; empty: nothing
	remote    bool     // it is not on this machine, by its name
}

// targetOf reads it.
func (t *translation) targetOf(pass directive) (destination, error) {
	text := pass.arg(0)
	if strings.Contains(text, "$") {
		return destination{}, fmt.Errorf("it has variables")
	}
	scheme, rest := strings.TrimSuffix(pass.name, "_pass"), text
	if pass.name == "proxy_pass" {
		var ok bool
		if scheme, rest, ok = strings.Cut(text, "://"); !ok || scheme != "http" && scheme != "https" {
			return destination{}, fmt.Errorf("it is no http or https address")
		}
	} else {
		rest = strings.TrimPrefix(rest, scheme+"://")
	}
	if path, ok := strings.CutPrefix(rest, "unix:"); ok {
		path, uri, _ := strings.Cut(path, ":")
		if scheme == "https" {
			return destination{}, fmt.Errorf("https over a unix socket is not spoken")
		}
		return destination{addresses: []string{scheme + "+unix:" + strings.TrimPrefix(path, "//")}, uri: uri}, nil
	}
	host, uri := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 && pass.name == "proxy_pass" {
		host, uri = rest[:i], rest[i:]
	}
	out := destination{uri: uri}
	if group, ok := t.upstreams[host]; ok {
		out.group = group
		for _, one := range group.servers {
			out.addresses = append(out.addresses, addressOf(scheme, one.address))
		}
		if len(group.servers) == 0 {
			return out, fmt.Errorf("the upstream %s has no servers", host)
		}
		return out, nil
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	out.remote = net.ParseIP(name) == nil && strings.Contains(name, ".")
	out.addresses = []string{addressOf(scheme, host)}
	return out, nil
}

func addressOf(scheme, server string) string {
	if path, ok := strings.CutPrefix(server, "unix:"); ok {
		return scheme + "+unix:" + strings.TrimPrefix(path, "//")
	}
	return scheme + "://" + server
}
