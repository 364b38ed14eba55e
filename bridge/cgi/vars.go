package cgi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// Info has the values that the request itself does not have.
type Info struct {
	// ID is the request's id, whatever its X-Request-Id field says.
	ID string
	// Scheme is "http" or "https"; empty means "http".
	Scheme string
	// ScriptName is the mount, "" or "/shop": no slash at the end. The path must
	// lie under it (route.Under), else the whole path is PATH_INFO.
	ScriptName string
	// Prefix comes before ScriptName in SCRIPT_NAME: a trusted proxy has removed it. The
	// path does not contain it.
	Prefix string
	// RemoteAddr and RemotePort name the client; empty: unknown.
	RemoteAddr, RemotePort string
	// ServerName and ServerPort are the listener's. SERVER_NAME is the Host
	// field's when it has one. Empty: "localhost", and the scheme's port.
	ServerName, ServerPort string
	// BodySize is the length of a chunked body, decoded; used when the request
	// has no length. Below 0: it is unknown yet, and CONTENT_LENGTH is left out.
	BodySize int64
	// Named: ServerName counts even where there is a Host field.
	Named bool
	// Extra are further variables (Gateway), none of which AppendVars makes itself.
	Extra []wire.Var
	// Allowed are the fields that become variables although their names contain "_":
	// canonical name to variable (Underscores); nil: none.
	Allowed map[string]string
	// Dropped gets the names of fields that became no variable because of their spelling.
	Dropped []string
}

// AppendVars appends the variables of r to dst, each name once, and returns it.
// It makes one pass and keeps nothing.
func AppendVars(dst []wire.Var, r *http.Request, in *Info) []wire.Var {
	scheme := in.Scheme
	if scheme == "" {
		scheme = "http"
	}
	path, query := r.URL.Path, r.URL.RawQuery
	if path == "" {
		path = "/" // the absolute form "http://host" (RFC 9112 3.2.2)
	}
	script, info := in.ScriptName, path
	if script != "" && strings.HasPrefix(path, script) && (len(path) == len(script) || path[len(script)] == '/') {
		info = path[len(script):]
	} else {
		script = ""
	}
	host, port := splitHost(r.Host)
	if in.Named || host == "" {
		host = or(in.ServerName, "localhost")
	}
	if in.ServerPort != "" {
		port = in.ServerPort
	} else if port == "" {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
	}

	dst = append(dst,
		wire.Var{Name: "REQUEST_METHOD", Value: r.Method, Known: requestMethod},
		wire.Var{Name: "SCRIPT_NAME", Value: in.Prefix + script, Known: scriptName},
		wire.Var{Name: "PATH_INFO", Value: info, Known: pathInfo},
		wire.Var{Name: "QUERY_STRING", Value: query, Known: queryString},
		wire.Var{Name: "REQUEST_URI", Value: r.RequestURI, Known: requestURI},
		wire.Var{Name: "RAW_URI", Value: r.RequestURI, Known: rawURI},
		wire.Var{Name: "SERVER_NAME", Value: host, Known: serverName},
		wire.Var{Name: "SERVER_PORT", Value: port, Known: serverPort},
		wire.Var{Name: "SERVER_PROTOCOL", Value: r.Proto, Known: serverProtocol},
		wire.Var{Name: "REMOTE_ADDR", Value: in.RemoteAddr, Known: remoteAddr},
		wire.Var{Name: "wsgi.url_scheme", Value: scheme, Known: urlScheme},
		wire.Var{Name: "standpipe.request_id", Value: in.ID, Known: requestID},
	)
	if in.RemotePort != "" {
		dst = append(dst, wire.Var{Name: "REMOTE_PORT", Value: in.RemotePort, Known: remotePort})
	}
	if scheme == "https" {
		dst = append(dst, wire.Var{Name: "HTTPS", Value: "on", Known: https})
	}
	if v := r.Header["Content-Type"]; len(v) > 0 {
		dst = append(dst, wire.Var{Name: "CONTENT_TYPE", Value: join(v, ", "), Known: contentType})
	}
	if n, ok := lengthOf(r, in); ok {
		dst = append(dst, wire.Var{Name: "CONTENT_LENGTH", Value: strconv.FormatInt(n, 10), Known: contentLength})
	}
	if r.Host != "" {
		dst = append(dst, wire.Var{Name: "HTTP_HOST", Value: r.Host, Known: httpHost})
	}
	if in.ID != "" {
		dst = append(dst, wire.Var{Name: "HTTP_X_REQUEST_ID", Value: in.ID, Known: fieldRequestID})
	}
	for field, values := range r.Header {
		name, known := variable(field)
		if name == "" {
			name = in.odd(r, field)
		}
		if name == "" || len(values) == 0 || known == fieldRequestID && in.ID != "" {
			continue
		}
		sep := ", " // RFC 9110 5.3
		if field == "Cookie" {
			sep = "; " // RFC 6265 5.4; RFC 9113 8.2.3
		}
		dst = append(dst, wire.Var{Name: name, Value: join(values, sep), Known: known})
	}
	return append(dst, in.Extra...)
}

// Plain removes the variables that no other server knows from those of AppendVars, and
// REQUEST_SCHEME, which the caller adds. The list is changed.
func Plain(list []wire.Var) (vars []wire.Var, scheme string) {
	vars, scheme = list[:0], "http"
	for _, v := range list {
		switch {
		case v.Name == "wsgi.url_scheme":
			scheme = v.Value
		case strings.Contains(v.Name, "."), v.Name == "RAW_URI", v.Name == "REQUEST_SCHEME":
		default:
			vars = append(vars, v)
		}
	}
	return vars, scheme
}

// lengthOf is the declared length, or the length of a body that came chunked. The digits are
// ours, not the client's spelling ("007").
func lengthOf(r *http.Request, in *Info) (int64, bool) {
	if r.ContentLength < 0 || len(r.TransferEncoding) > 0 {
		return in.BodySize, in.BodySize >= 0
	}
	_, said := r.Header["Content-Length"]
	return r.ContentLength, said || r.ContentLength > 0
}

// splitHost splits a Host field; IPv6 keeps its brackets, as in a URL. A port
// that is not made of digits is dropped.
func splitHost(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i:], ']') >= 0 {
		return s, ""
	}
	host, port = s[:i], s[i+1:]
	for j := range len(port) {
		if port[j] < '0' || port[j] > '9' {
			return host, ""
		}
	}
	return host, port
}

func join(v []string, sep string) string {
	if len(v) == 1 {
		return v[0]
	}
	return strings.Join(v, sep)
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
