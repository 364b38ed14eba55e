// Package wsgi turns an HTTP request into an exchange with a Python worker, and
// the exchange's answer into an HTTP response.
//
//	handler.go    Handler: one app's http.Handler; the life of one request
//	request.go    the request body: buffered whole before a worker is taken; how it is refused
//	feed.go       a request body that goes to the worker while it comes
//	response.go   the answer: streaming, lengths
//	clock.go      the app's time
//	pump.go       the answer, taken from its worker while the client is slow
//	hints.go      early hints (103), which go before it
//	head.go       the answer's status and fields: what is checked, what is removed
//	errors.go     the only map from errors to statuses
//
// What is not here: where workers come from (a Pool, which package supervisor
// has), the frames (package shim), what a request goes through before it comes
// here (bridge/server), CGI variables (bridge/cgi), pages and buffers
// (bridge/httpx). Static files, proxies and other protocols are packages of their
// own beside this one; they meet in the command's composition and never import
// each other.
//
// Goroutines: a request runs on its connection's goroutine. A body larger than
// one frame is sent, or watched over while the worker reads its file, by a second
// one beside it (response.go, send), which turn.run waits for before it returns. An
// answer whose client is slow is taken by another one (pump.go), which a timer starts, which
// ends with the app and which turn.copyBody waits for before it returns. A request deadline
// is a timer that only ends the clock's context; no request makes one of its own.
//
// What the tests of several rooms here share is in bridge/bridgetest.
//
// A new check of an answer goes to head.go; a new way to fail gets its sentinel
// where it arises and its status in errors.go.
package wsgi
