// Package cgi turns a request into CGI variables (RFC 3875, PEP 3333), and such
// variables into a request, once for all protocols that need them: WSGI and uwsgi
// now; FastCGI later.
//
// The rules that keep a client from speaking in the server's name live here and
// nowhere else: which field names become variables, which are dropped, how
// repeated fields are joined. Whether a field such as X-Forwarded-For may be
// believed is decided before, by bridge/forwarded.
//
// It is a leaf, it starts no goroutine, and it keeps no state.
package cgi
