// Package cgi turns a request into CGI variables (RFC 3875, PEP 3333), and such variables into
// a request, once for all protocols that need them: WSGI, uwsgi and FastCGI. It also reads the
// heads of the responses that servers of such protocols send.
//
// The rules that keep a client from setting variables of the server are here and nowhere
// else: which field names become variables, which are dropped, how repeated fields are
// joined. Whether a field such as X-Forwarded-For is trusted is decided before, by
// bridge/forwarded.
//
// Files:
//
//	vars.go     AppendVars: the variables of a request; Info
//	names.go    the names of variables, and the fields that have none
//	gateway.go  Request: from variables to a request; Gateway
//	host.go     ValidHost: the Host field
//	head.go     HeadReader: the head of an upstream's response, read strictly
//	body.go     Body: its body, up to the declared length
//
// The package is a leaf: it imports httpx and shim/wire's plain types. It starts no goroutine and keeps
// no state.
package cgi
