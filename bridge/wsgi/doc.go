// Package wsgi answers requests with a WSGI app: it turns an HTTP request into an exchange
// with a Python worker, and the exchange's answer into an HTTP response.
//
// # Object graph
//
//	Handler -> request           what the client asks for: body, variables, label
//	        -> attempt -> request    one run in a worker: place in the pool, exchange, deadlines, retry verdict
//	           attempt -> upload     a body that does not fit into the first frame
//	        -> response -> attempt   the answer to the client: checks, writing
//	           response -> pump      the answer of a worker whose client is slow
//
// Each knows only those to its right: a request knows no worker, an attempt no
// ResponseWriter, a response no Pool. All write their log records with records.
//
// # Files
//
//	handler.go     Handler and Options; the life of one request, the only place that runs one twice
//	request.go     request
//	attempt.go     attempt
//	upload.go      upload: a body in frames, or while it comes
//	response.go    response: the answer, its lengths, its body
//	head.go        the answer's status and fields: what is checked, what is removed
//	hints.go       early hints (103), which go before it
//	pump.go        pump
//	file.go        an answer that is a file: ranges, multipart, sendfile
//	internal*.go   files that an app names: X-Sendfile, X-Accel-Redirect
//	errors.go      the only map from errors to statuses
//	records.go     the log records
//	spans.go       what traces have of a request
//	warm.go        requests before an app takes any
//
// What is not here: where workers come from (a Pool, which package supervisor has),
// the frames (package shim), what a request goes through before it comes here, CGI
// variables (bridge/cgi), request bodies (bridge/body), buffers (bridge/spool), pages
// (bridge/httpx).
//
// # Goroutines
//
//	goroutine      started by       ends when                            waited for by
//	a request's    its connection   ServeHTTP returns
//	upload         attempt.send     the body is sent, or the exchange    attempt.end; one that reads a body while
//	                                has ended                            it comes by Handler.free
//	pump           its timer        the app has ended, or stop           response.copyBody
//
// A new check of an answer goes to head.go; a new way to fail gets its sentinel
// where it arises and its status in errors.go.
package wsgi
