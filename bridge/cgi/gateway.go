package cgi

import (
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// Gateway is what a server in front says beside the request, by a protocol that carries
// variables (uwsgi). bridge/forwarded decides whether it is trusted.
type Gateway struct {
	// RemoteAddr and RemotePort name the client; empty: unknown.
	RemoteAddr, RemotePort string
	// Scheme is "http" or "https"; empty: unknown.
	Scheme string
	// ServerName and ServerPort are the server's own; empty: unknown.
	ServerName, ServerPort string
	// ScriptName is the part of the path that the server in front takes for the app's
	// mount: no slash at the end. The request's path contains it.
	ScriptName string
	// Extra are all other variables, for the environ: REMOTE_USER, SSL_CLIENT_CERT, and
	// others that the configuration of the server in front adds.
	Extra []wire.Var
}

// VarsError says why variables are no request.
type VarsError struct{ Reason string }

func (e *VarsError) Error() string { return "the variables are no request: " + e.Reason }

func badVars(format string, args ...any) error { return &VarsError{fmt.Sprintf(format, args...)} }

// reader gathers a request from its variables.
type reader struct {
	r      *http.Request
	g      *Gateway
	info   string // PATH_INFO
	script string
	uri    string
	https  string
	scheme string // REQUEST_SCHEME
	forced string // UWSGI_SCHEME

	length, path bool // CONTENT_LENGTH, PATH_INFO came
	hosts        int
}

// Request makes a request from the variables that a server in front sent. The caller sets its
// Body and RemoteAddr. The path is SCRIPT_NAME and PATH_INFO as they come, decoded: the server
// in front has checked that path by rules that the target in REQUEST_URI might escape. The
// last one of repeated variables counts, as in uWSGI; a repeated field has two values. Every
// error is a *VarsError.
func Request(vars []wire.Var) (*http.Request, *Gateway, error) {
	r := &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, URL: &url.URL{}, Header: make(http.Header, 8)}
	in := &reader{r: r, g: &Gateway{}}
	for i := range vars {
		if err := in.take(&vars[i]); err != nil {
			return nil, nil, err
		}
	}
	if err := in.end(); err != nil {
		return nil, nil, err
	}
	return r, in.g, nil
}

// take sorts one variable.
func (in *reader) take(v *wire.Var) error {
	r, g := in.r, in.g
	if field, ok := strings.CutPrefix(v.Name, "HTTP_"); ok {
		return in.field(field, v.Value)
	}
	switch v.Name {
	case "REQUEST_METHOD":
		r.Method = v.Value
	case "PATH_INFO":
		in.info, in.path = v.Value, true
	case "SCRIPT_NAME":
		in.script = v.Value
	case "QUERY_STRING":
		r.URL.RawQuery = v.Value
	case "REQUEST_URI":
		in.uri = v.Value
	case "SERVER_PROTOCOL":
		return in.proto(v.Value)
	case "CONTENT_LENGTH":
		return in.contentLength(v.Value)
	case "CONTENT_TYPE":
		if kind := strings.Trim(v.Value, " \t"); kind != "" {
			if !httpx.ValidValue(kind) {
				return badVars("CONTENT_TYPE %.100q holds a control byte", kind)
			}
			r.Header["Content-Type"] = []string{kind}
		}
	case "REMOTE_ADDR":
		g.RemoteAddr = v.Value
	case "REMOTE_PORT":
		g.RemotePort = v.Value
	case "SERVER_NAME":
		g.ServerName = v.Value
	case "SERVER_PORT":
		g.ServerPort = v.Value
	case "HTTPS":
		in.https = v.Value
	case "UWSGI_SCHEME":
		in.forced = v.Value
	case "REQUEST_SCHEME":
		in.scheme = v.Value
		in.extra(v)
	default:
		if !denied(v.Name) {
			in.extra(v)
		}
	}
	return nil
}

// denied reports whether a variable of the server in front is left out of the environ: those
// that control a uWSGI (some of them load code), those that a script takes for its own
// environment, those that standpipe sets itself, and names that are not spelled like a
// variable's, such as wsgi.* and standpipe.*.
func denied(name string) bool {
	switch {
	case name == "", name == "PATH", name == "RAW_URI", strings.HasPrefix(name, "UWSGI_"):
		return true
	}
	return !plainName(name)
}

func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// extra keeps a variable; the last of a name counts.
func (in *reader) extra(v *wire.Var) {
	for i := range in.g.Extra {
		if in.g.Extra[i].Name == v.Name {
			in.g.Extra[i].Value = v.Value
			return
		}
	}
	in.g.Extra = append(in.g.Extra, *v)
}

// field takes a request's field. Other variables have the length and the type of the body; the
// body comes decoded, although nginx sends "chunked" beside its length.
func (in *reader) field(name, value string) error {
	switch name {
	case "TRANSFER_ENCODING", "CONTENT_TYPE", "CONTENT_LENGTH", "EXPECT", "PROXY", "":
		return nil
	}
	if !plainName(name) {
		return nil
	}
	value = strings.Trim(value, " \t") // RFC 9110 5.5: blanks around it are not part of it; servers in front leave some
	if !httpx.ValidValue(value) {
		return badVars("HTTP_%s holds a control byte: %.100q", name, value)
	}
	if name == "HOST" {
		if in.hosts++; in.hosts > 1 && value != in.r.Host {
			return badVars("two HTTP_HOST, %.100q and %.100q", in.r.Host, value)
		}
		if value != "" && !ValidHost(value) { // empty: not said
			return badVars("HTTP_HOST %.100q is no host", value)
		}
		in.r.Host = value
		return nil
	}
	key := fieldName(name)
	in.r.Header[key] = append(in.r.Header[key], value)
	return nil
}

// fieldNames saves work for the fields of nearly every request. Never written to.
var fieldNames = func() map[string]string {
	m := make(map[string]string, len(common))
	for field, e := range common {
		if e.name != "" {
			m[strings.TrimPrefix(e.name, "HTTP_")] = field
		}
	}
	return m
}()

// fieldName is a field's canonical name.
func fieldName(variable string) string {
	if name, ok := fieldNames[variable]; ok {
		return name
	}
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(variable, "_", "-"))
}

// contentLength accepts digits only. Empty means none, and none means no body.
func (in *reader) contentLength(s string) error {
	if in.length {
		return badVars("CONTENT_LENGTH comes twice")
	}
	in.length = true
	if s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 10, 63) // takes no sign
	if err != nil {
		return badVars("CONTENT_LENGTH %.100q is no length", s)
	}
	in.r.ContentLength = int64(n)
	in.r.Header["Content-Length"] = []string{s}
	return nil
}

func (in *reader) proto(s string) error {
	switch s {
	case "HTTP/1.1", "":
		return nil
	case "HTTP/2", "HTTP/3":
		s += ".0"
	}
	major, minor, ok := http.ParseHTTPVersion(s)
	if !ok {
		return badVars("SERVER_PROTOCOL %.100q is no version of HTTP", s)
	}
	in.r.Proto, in.r.ProtoMajor, in.r.ProtoMinor = s, major, minor
	return nil
}

// end combines variables that belong together.
func (in *reader) end() error {
	r, g := in.r, in.g
	if !httpx.IsToken(r.Method) {
		return badVars("REQUEST_METHOD %.100q is no method", r.Method)
	}
	if !in.path {
		return badVars("PATH_INFO is missing; nginx sends it with \"include uwsgi_params;\"")
	}
	g.ScriptName = strings.TrimRight(in.script, "/")
	if g.ScriptName != "" && g.ScriptName[0] != '/' || in.info != "" && in.info[0] != '/' {
		return badVars("SCRIPT_NAME %.100q and PATH_INFO %.100q do not begin with a slash", in.script, in.info)
	}
	r.URL.Path = g.ScriptName + in.info
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	if r.RequestURI = in.uri; r.RequestURI == "" {
		r.RequestURI = r.URL.RequestURI()
	}
	g.Scheme = schemeOf(in.forced, in.https, in.scheme)
	return nil
}

// schemeOf: UWSGI_SCHEME before HTTPS before REQUEST_SCHEME, as in uWSGI.
func schemeOf(forced, https, scheme string) string {
	if forced = strings.ToLower(forced); forced == "http" || forced == "https" {
		return forced
	}
	switch strings.ToLower(https) {
	case "on", "1", "true", "yes":
		return "https"
	}
	if scheme = strings.ToLower(scheme); scheme == "http" || scheme == "https" {
		return scheme
	}
	return ""
}

// Relay adds what a trusted server in front says: its mount for the app, which counts when it
// is the deeper one; whether ServerName is its own; its variables.
func (in *Info) Relay(script string, named bool, extra []wire.Var) {
	if len(script) > len(in.ScriptName) {
		in.ScriptName = script
	}
	in.Named, in.Extra = named, extra
}

type infoKey struct{}

// WithInfo is for a request that is forwarded to a server that takes variables: Info has the
// values that the request itself does not have.
func WithInfo(ctx context.Context, in *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, in)
}

// InfoOf is the Info that WithInfo has put into ctx; else an empty one.
func InfoOf(ctx context.Context) *Info {
	if in, ok := ctx.Value(infoKey{}).(*Info); ok {
		return in
	}
	return &Info{}
}
