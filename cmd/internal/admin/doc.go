// Package admin is the control socket: HTTP/1.1 with JSON on a unix socket, by which
// the commands (standpipe status, reload and so on) steer a running standpipe. What
// is asked of the server is the interface Server; package client is the other end.
//
//	GET  /v1/status[?app=shop]           Status
//	GET  /v1/dump?worker=shop/3          Dump: Python stacks; the worker goes on
//	POST /v1/reload     {app}            Done, or a Problem with Failures, when the reload has ended
//	POST /v1/restart    {app | worker}   likewise; a worker's replacement serves
//	POST /v1/scale      {app, workers}   Done
//	POST /v1/pause      {app}            Done: requests wait in line
//	POST /v1/resume     {app}            Done
//	POST /v1/log-level  {level}          Done
//	POST /v1/reopen-logs                 Done
//	POST /v1/stop                        Done, and the connection ends with the process
//	GET  /metrics                        Prometheus
//
// An empty app is all apps, or the only one. An error is a Problem with a fitting
// status. Each command that changes something has a record with the uid and pid of
// who gave it (peer_linux.go).
//
// Goroutines: one for the listener, which Socket.Close ends and waits for; net/http
// has one for each connection, which Close ends.
package admin
