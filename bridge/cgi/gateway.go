package cgi

import (
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// Gateway is what a server in front says besides the request, by a protocol that
// carries variables (uwsgi). Whether it is believed is decided by bridge/forwarded.
type Gateway struct {
	// RemoteAddr and RemotePort name the client; empty: not said.
	RemoteAddr, RemotePort string
	// Scheme is "http" or "https"; empty: not said.
	Scheme string
	// ServerName and ServerPort are the server's own; empty: not said.
	ServerName, ServerPort string
	// ScriptName is the part of the path that the server in front counts as the
	// app's place: no slash at the end. The request's path holds it.
	ScriptName string
	// Extra are all other variables, for the environ: REMOTE_USER, SSL_CLIENT_CERT,
	// whatever the configuration of the server in front adds.
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

// Request makes a request of the variables that a server in front sent. Its Body and
// RemoteAddr are the caller's to set. The path is SCRIPT_NAME and PATH_INFO as they
// come, decoded as they are: the server in front has judged that path, by rules that
// the target in REQUEST_URI might escape. A variable that comes twice counts as it
// comes last, as in uWSGI; a field that comes twice has two values. Every error is a
// *VarsError.
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
			if badValue(kind) {
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

// denied is the list of what no server in front sets in an environ: what steers a
// uWSGI (some of its variables load code), what a script reads as its own
// environment, what is ours to say, and names that are not spelled as a variable's,
// so wsgi.* and standpipe.* among them.
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

// field takes a request's field. What it says about the length, the framing or the
// type of the body is said by other variables; the body comes decoded, and nginx
// sends "chunked" beside its length all the same.
func (in *reader) field(name, value string) error {
	switch name {
	case "TRANSFER_ENCODING", "CONTENT_TYPE", "CONTENT_LENGTH", "EXPECT", "PROXY", "":
		return nil
	}
	if !plainName(name) {
		return nil
	}
	value = strings.Trim(value, " \t") // RFC 9110 5.5: blanks around it are not part of it; servers in front leave some
	if badValue(value) {
		return badVars("HTTP_%s holds a control octet: %.100q", name, value)
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

// fieldNames spares work for the fields of nearly every request. Never written to.
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

func badValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// contentLength takes digits alone. Empty means none, and none means no body.
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

// end puts together what more than one variable says.
func (in *reader) end() error {
	r, g := in.r, in.g
	if !isToken(r.Method) {
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

// isToken: RFC 9110 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// Relay adds the word of a trusted server in front: its place for the app, which
// counts when it is the deeper one; whether ServerName is its own; its variables.
func (in *Info) Relay(script string, named bool, extra []wire.Var) {
	if len(script) > len(in.ScriptName) {
		in.ScriptName = script
	}
	in.Named, in.Extra = named, extra
}

type infoKey struct{}

// WithInfo is for a request that goes on to a server that takes variables: Info says
// what the request itself does not.
func WithInfo(ctx context.Context, in *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, in)
}

// InfoOf is what WithInfo has put into ctx; an empty Info when nobody has.
func InfoOf(ctx context.Context) *Info {
	if in, ok := ctx.Value(infoKey{}).(*Info); ok {
		return in
	}
	return &Info{}
}
