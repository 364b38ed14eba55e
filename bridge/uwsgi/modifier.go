package uwsgi

import "strconv"

// What modifier1 may ask of us.
const (
	modifierWSGI = 0
	modifierPing = 100
)

// pong is the whole answer to a ping.
var pong = []byte{modifierPing, 0, 0, 1}

// modifiers are the meanings of other values in uWSGI. None of them is served: some run code,
// and none is a web client's request for a WSGI app.
var modifiers = map[byte]string{
	5: "Perl (PSGI)", 6: "Lua (WSAPI)", 7: "Ruby (Rack)", 8: "Java or Clojure (JWSGI, Ring)", 9: "CGI", 10: "management", 14: "PHP", 15: "Mono (ASP.NET)",
	17: "spooler", 18: "call of a C symbol", 22: "code evaluation", 23: "XSLT", 24: "JavaScript (V8)", 25: "GridFS",
	30: "WSGI with SCRIPT_NAME inside PATH_INFO", 31: "message", 32: "message (array)", 33: "message (marshalled)",
	95: "cluster", 96: "remote log", 98: "reload", 99: "configuration", 101: "echo", 109: "Legion",
	110: "signal", 111: "cache", 173: "RPC", 200: "end of a kept connection", 224: "subscription", 255: "response",
}

// modifierName is a modifier1 for logs.
func modifierName(m byte) string {
	if name, ok := modifiers[m]; ok {
		return name
	}
	return "modifier1 " + strconv.Itoa(int(m))
}

// modifierAdvice says what the peer probably speaks; empty: unknown.
func modifierAdvice(m byte) string {
	switch {
	case m >= 'A' && m <= 'Z': // a method's first letter
		return "it looks like HTTP, and this address speaks uwsgi (uwsgi_pass in nginx, uwsgi:// in Apache)"
	case m == 30:
		return "remove uwsgi_modifier1; SCRIPT_NAME and PATH_INFO are used as they come"
	}
	return ""
}
