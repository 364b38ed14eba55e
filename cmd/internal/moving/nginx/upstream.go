package nginx

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/bridge/target"
)

// destination is a server that requests go to: the value of proxy_pass, uwsgi_pass or fastcgi_pass.
type destination struct {
	addresses []string // as in upstreams of [[route]]
	group     *group   // that they are of; nil: the one address stands in the directive itself
	uri       string   // what follows host and port; empty: nothing
	rewrite   string   // the path, with groups of the location's pattern; empty: it has none
}

// targetOf reads it.
func (t *translation) targetOf(pass directive) (destination, error) {
	text, rewrite := withoutPath(pass)
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
	out := destination{uri: uri, rewrite: rewrite}
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
	out.addresses = []string{addressOf(scheme, host)}
	return out, nil
}

func addressOf(scheme, server string) string {
	if path, ok := strings.CutPrefix(server, "unix:"); ok {
		return scheme + "+unix:" + strings.TrimPrefix(path, "//")
	}
	return scheme + "://" + server
}

// withoutPath is the address of a proxy_pass whose path has variables, and that path as a template. A path that is the request's own is none.
func withoutPath(pass directive) (address, rewrite string) {
	text := pass.arg(0)
	scheme, rest, ok := strings.Cut(text, "://")
	i := strings.IndexAny(rest, "/$")
	if pass.name != "proxy_pass" || !ok || i < 0 || !strings.Contains(rest[i:], "$") || rest[i] == '$' && !strings.HasPrefix(rest[i:], "$request_uri") && !strings.HasPrefix(rest[i:], "$uri") {
		return text, ""
	}
	path := rest[i:]
	for _, end := range []string{"$is_args$args", "$is_args$query_string", "?$args", "?$query_string"} { // the query stays by itself
		path = strings.TrimSuffix(path, end)
	}
	if path == "$request_uri" || path == "$uri" {
		return scheme + "://" + rest[:i], ""
	}
	to, err := template(path, "")
	if err != nil || !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "{path}") {
		return text, ""
	}
	if _, err := target.ParsePath(to); err != nil {
		return text, ""
	}
	return scheme + "://" + rest[:i], to
}
