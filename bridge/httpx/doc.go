// Package httpx holds small helpers that several HTTP packages of standpipe need and that
// decide nothing by themselves.
//
// Files:
//
//	writer.go       Writer: the one ResponseWriter wrapper, with the RequestInfo of a request
//	beforehead.go   BeforeHead: what sees, and may change, the head of a response before it goes out
//	fieldlist.go    FieldList: fields of a response in their own order and spelling; the server's own fields
//	timing.go       Server-Timing
//	outcome.go      what a Writer says of its response: status for logs, complete or not
//	requestinfo.go  RequestInfo: what the server knows of one request
//	ends.go         Ends: the addresses of a connection
//	clientgone.go   the error and the status of a client that disconnected
//	accept.go       what an Accept field takes
//	page.go         Pages: the error pages
//	pace.go         Pace and Patience: how slow a client may be
//	encoding.go     PickEncoding: Accept-Encoding
//	types.go        TypeList: lists of media types
//	path.go         CleanPath: the one spelling of a request's path
//	token.go        IsToken, ValidValue: names and values of fields
//	spell.go        Spell: the usual spelling of field names
//	id.go           request ids
//	loglimiter.go   LogLimiter: suppresses repeated records
//
// The package is a leaf: it imports the standard library, bridge/trace and shim/wire's plain types only. It
// starts no goroutine. A new helper goes here when two packages need it; limits, trust and
// statuses belong to the packages that use them.
package httpx
