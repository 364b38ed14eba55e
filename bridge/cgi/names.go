package cgi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// The indexes in wire.Names of the variables that do not come from fields; a test compares.
const (
	requestMethod = 1 + iota
	scriptName
	pathInfo
	queryString
	requestURI
	rawURI
	serverName
	serverPort
	serverProtocol
	remoteAddr
	remotePort
	urlScheme
	requestID
	https
	contentType
	contentLength
	httpHost
)

// variable returns the variable for a canonical field name and its place in
// wire.Names (see Var.Known); empty: the field does not become a variable.
//
// Only letters, digits and "-" make a variable: "-" becomes "_", so a name that
// contains "_" itself could replace another field (X_Forwarded_For for X-Forwarded-For), and
// r.Header, a Go map, would make the winner random. Other token characters (RFC 9110 5.6.2)
// have no shell-safe spelling; such fields are dropped, as by nginx.
func variable(field string) (name string, known uint8) {
	if e, ok := common[field]; ok {
		return e.name, e.known
	}
	if field == "" {
		return "", 0
	}
	b := make([]byte, 5, 5+len(field))
	copy(b, "HTTP_")
	for i := range len(field) {
		c := field[i]
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-':
			c = '_'
		default:
			return "", 0
		}
		b = append(b, c)
	}
	return string(b), 0
}

// IsVariable reports whether a field of that name becomes a variable.
func IsVariable(field string) bool {
	name, _ := variable(http.CanonicalHeaderKey(field))
	return name != ""
}

// odd returns the variable for a field of which variable makes none; empty: there is none.
// Where the same name with "-" has come too, that one counts.
func (in *Info) odd(r *http.Request, field string) string {
	if _, known := common[field]; known || field == "" {
		return ""
	}
	if name := in.Allowed[field]; name != "" && r.Header[http.CanonicalHeaderKey(strings.ReplaceAll(field, "_", "-"))] == nil {
		return name
	}
	in.Dropped = append(in.Dropped, field)
	return ""
}

// Underscores makes Info.Allowed from fields' names. An error names the first one that cannot be
// allowed, because it would replace a field that only servers may set.
func Underscores(names []string) (map[string]string, error) {
	var m map[string]string
	of := map[string]string{}
	for _, name := range names {
		dashed := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		v, _ := variable(dashed)
		switch {
		case !strings.Contains(name, "_"):
			return nil, fmt.Errorf("%q has no underscore and needs no permission", name)
		case v == "", strings.HasPrefix(dashed, "X-Forwarded-"), slices.Contains(servers, dashed):
			return nil, fmt.Errorf("%q cannot be allowed: it would be taken for %s, which only servers may set", name, dashed)
		case of[v] != "" && !strings.EqualFold(of[v], name):
			return nil, fmt.Errorf("%q and %q are one variable, %s", of[v], name, v)
		}
		of[v] = name
		if m == nil {
			m = make(map[string]string)
		}
		m[http.CanonicalHeaderKey(name)] = v
	}
	return m, nil
}

// servers are fields, besides X-Forwarded-*, that servers in front set and apps believe.
var servers = slices.Concat(AddressFields, SchemeFields, []string{"X-Request-Id", "Remote-User", "X-Remote-User", "X-Script-Name"})

// AddressFields hold the client's address alone, and SchemeFields name its scheme; X-Forwarded-For and X-Forwarded-Proto
// come before them.
var (
	AddressFields = []string{"X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip"}
	SchemeFields  = []string{"X-Forwarded-Ssl", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Scheme", "X-Url-Scheme", "Front-End-Https"}
)

// entry is the variable of a field.
type entry struct {
	name  string // of the variable; empty: none
	known uint8  // as in wire.Var
}

// common saves an allocation for the fields that nearly every request has, and has those that
// become no variable. Never written to after init.
var common = func() map[string]entry {
	m := make(map[string]entry, len(wire.Names)+len(dropped))
	for i, name := range wire.Names {
		if field, ok := strings.CutPrefix(name, "HTTP_"); ok {
			m[http.CanonicalHeaderKey(strings.ReplaceAll(field, "_", "-"))] = entry{name, uint8(1 + i)}
		}
	}
	for _, field := range dropped {
		m[field] = entry{}
	}
	return m
}()

// fieldRequestID is the place of HTTP_X_REQUEST_ID in wire.Names.
var fieldRequestID = common["X-Request-Id"].known

// dropped are the fields that are not handed on.
var dropped = [...]string{
	// Said by other variables: CONTENT_TYPE, CONTENT_LENGTH, HTTP_HOST.
	"Content-Type",
	"Content-Length",
	"Host",
	// A script reads HTTP_PROXY as its own outgoing proxy ("httpoxy").
	"Proxy",
	// Between the client and this server only (RFC 9110 7.6.1): the body is
	// decoded, 100 has been sent, the connection is ours.
	"Connection",
	"Expect",
	"Keep-Alive",
	"Proxy-Connection",
	"Te",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
}
