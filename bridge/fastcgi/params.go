package fastcgi

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/shim/wire"
)

// Script is the script that a request runs.
type Script struct {
	// Path is the part of the request's path that names it: "/blog/index.php". The front
	// controller's is its own.
	Path string
	// Info is what follows it: "" or "/archive/7".
	Info string
	// File is its name in the file system of the upstream, Root the folder that it is below.
	File, Root string
}

type scriptKey struct{}

// WithScript is for a request that runs a script.
func WithScript(ctx context.Context, s *Script) context.Context {
	return context.WithValue(ctx, scriptKey{}, s)
}

// ours are the variables that say what is run and how. No server in front may set them.
var ours = []string{"SCRIPT_FILENAME", "DOCUMENT_ROOT", "DOCUMENT_URI", "PATH_TRANSLATED", "REDIRECT_STATUS", "GATEWAY_INTERFACE", "SERVER_SOFTWARE", "SERVER_ADDR",
	"PHP_VALUE", "PHP_ADMIN_VALUE", "ORIG_SCRIPT_FILENAME", "ORIG_SCRIPT_NAME", "ORIG_PATH_INFO", "ORIG_PATH_TRANSLATED"}

// params appends the variables of a request: those of any CGI, those that PHP needs, and those of
// the configuration.
func (t *Transport) params(vars []wire.Var, req *http.Request) []wire.Var {
	in := cgi.InfoOf(req.Context())
	if len(in.Extra) > 0 {
		without := *in
		without.Extra = slices.DeleteFunc(slices.Clone(in.Extra), func(v wire.Var) bool { return slices.Contains(ours, v.Name) })
		in = &without
	}
	vars, scheme := cgi.Plain(cgi.AppendVars(vars, req, in))
	vars = append(vars,
		wire.Var{Name: "GATEWAY_INTERFACE", Value: "CGI/1.1"},
		wire.Var{Name: "SERVER_SOFTWARE", Value: "standpipe"},
		wire.Var{Name: "REQUEST_SCHEME", Value: scheme},
		wire.Var{Name: "REDIRECT_STATUS", Value: "200"}, // PHP's cgi.force_redirect
	)
	if _, err := netip.ParseAddr(in.ServerName); err == nil {
		vars = append(vars, wire.Var{Name: "SERVER_ADDR", Value: in.ServerName})
	}
	if s, ok := req.Context().Value(scriptKey{}).(*Script); ok {
		vars = s.put(vars, in.Prefix)
	}
	for _, p := range t.Params {
		vars = set(vars, p)
	}
	return vars
}

// put sets the variables of a script.
func (s *Script) put(vars []wire.Var, prefix string) []wire.Var {
	for i := range vars {
		switch vars[i].Name {
		case "SCRIPT_NAME":
			vars[i].Value = prefix + s.Path
		case "PATH_INFO":
			vars[i].Value = s.Info
		}
	}
	vars = append(vars,
		wire.Var{Name: "SCRIPT_FILENAME", Value: s.File},
		wire.Var{Name: "DOCUMENT_ROOT", Value: s.Root},
		wire.Var{Name: "DOCUMENT_URI", Value: prefix + s.Path + s.Info},
	)
	if s.Info != "" {
		vars = append(vars, wire.Var{Name: "PATH_TRANSLATED", Value: strings.TrimSuffix(s.Root, "/") + s.Info})
	}
	return vars
}

// set replaces a variable, or adds it.
func set(vars []wire.Var, v wire.Var) []wire.Var {
	if i := slices.IndexFunc(vars, func(o wire.Var) bool { return o.Name == v.Name }); i >= 0 {
		vars[i] = v
		return vars
	}
	return append(vars, v)
}
