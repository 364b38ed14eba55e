// Package admin is the control socket: HTTP/1.1 with JSON on a unix socket, by which the
// commands (standpipe status, reload and so on) control a running server. The interface Server
// is what it needs of the server; package client is the other end.
//
//	GET  /v1/status[?app=shop]           Status
//	GET  /v1/health[?app=shop]           Health: what /readyz answers
//	GET  /v1/static[?app=shop]           Files
//	GET  /v1/certificates                Certificates
//	GET  /v1/denied                      Denied
//	GET  /v1/maintenance                 Maintenance
//	GET  /v1/dump?worker=shop/3          Dump: Python stacks; the worker continues to run
//	GET  /v1/top[?app=shop]              Top: the state, and the figures of the last seconds
//	GET  /v1/top/stream[?app=shop&every=1s]  the same again and again, as Server-Sent Events
//	GET  /v1/history[?app=shop&last=12]  monitor.History: the last hour, or its last 12 steps
//	POST /v1/reload     {app}            Done, or a Problem with Failures, when the reload has ended
//	POST /v1/restart    {app | worker}   likewise; the replacement of a worker serves
//	POST /v1/scale      {app, workers}   Done
//	POST /v1/pause      {app}            Done: requests wait in the queue
//	POST /v1/resume     {app}            Done
//	POST /v1/renew      {name}           Done, or a Problem, when the CA has answered
//	POST /v1/deny       {network, seconds, reason, force}  Done
//	POST /v1/allow      {network}        Done
//	POST /v1/purge      {app, purge}     Done: entries of the HTTP cache are removed
//	POST /v1/log-level  {level}          Done
//	POST /v1/reopen-logs                 Done
//	POST /v1/stop                        Done, and the connection ends with the process
//	GET  /metrics                        Prometheus
//
// An empty app is all apps, or the only one. An error is a Problem with a fitting status. Each
// command that changes something has a record with the uid and pid of its sender.
//
// Files:
//
//	server.go    Server and Pool: what the commands need
//	handler.go   Handler: the commands
//	order.go     how a command is read
//	status.go    the status, from the pools
//	watching.go  Top and its streams, the last hour
//	certificates.go  the certificates, and how one is renewed
//	denied.go    the networks that are denied at run time
//	maintenance.go  what is under maintenance
//	purge.go     entries of the HTTP cache that are removed
//	types.go     the JSON of requests and responses
//	problem.go   how errors become a Problem
//	failures.go  Failures: the last failed reload of each app
//	socket.go    Location, Listen, Socket: where the socket is, and its HTTP server
//	lock_unix.go, lock_windows.go  one server at a time looks for a free name
//	peer_linux.go, peer_other.go   the user and the process at the other end
//
// Goroutines: one for the listener, which Socket.Close ends and waits for; net/http has one
// for each connection, which Close ends.
package admin
