// Package admin is the control socket: HTTP/1.1 with JSON on a unix socket, by which
// the commands (standpipe status, reload and so on) control a running server. The
// interface Server is what the socket needs of the server; package client is the other end.
//
//	GET  /v1/status[?app=shop]           Status
//	GET  /v1/dump?worker=shop/3          Dump: Python stacks; the worker keeps running
//	POST /v1/reload     {app}            Done, or a Problem with Failures, when the reload has ended
//	POST /v1/restart    {app | worker}   the same, when the replacement of a worker serves
//	POST /v1/scale      {app, workers}   Done
//	POST /v1/pause      {app}            Done: requests wait in the queue
//	POST /v1/resume     {app}            Done
//	POST /v1/log-level  {level}          Done
//	POST /v1/reopen-logs                 Done
//	POST /v1/stop                        Done, and the connection ends with the process
//	GET  /metrics                        Prometheus
//
// An empty app means all apps, or the only one. An error is a Problem with a fitting
// status. Each command that changes something leaves a record with the uid and pid of
// the caller.
//
//	server.go    Server and Pool: the interfaces that the run implements
//	handler.go   the routes above
//	types.go     the JSON types
//	status.go    Status from the pools
//	failures.go  why a reload failed
//	socket.go    Socket: the listener, its file, the links to it
//	lock_*.go    one server per socket file
//	peer_*.go    the uid and pid of a caller
//
// Goroutines: one for the listener, which Socket.Close ends and waits for; net/http
// has one per connection, which Close ends.
package admin
