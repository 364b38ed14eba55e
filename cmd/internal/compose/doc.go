// Package compose puts the product together: from a config to listeners,
// handlers and pools. compose.go is the one page on which all of it is seen;
// app.go makes one app's pool and handler, routes.go the ways to other servers, runtime.go finds the folder for
// run-time files, prepare.go drops privileges and opens the spool,
// health.go answers health checks and says which an app hides behind them,
// files.go puts static files in front of the apps,
// handover.go gives the sockets to another process.
//
// It is the only package that sees bridge, supervisor and shim_py together.
// Rooms get their own typed options from here and know nothing of TOML, flags or
// the environment. What starts here is ended by Server.Stop: a goroutine per
// listener, which Stop waits for; pools and the HTTP server have their own.
package compose
