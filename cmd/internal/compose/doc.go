// Package compose puts the product together: from a config to listeners,
// handlers and pools. compose.go is the one page on which all of it is seen;
// app.go makes one app's pool and handler, routes.go the ways to other servers, runtime.go finds the folder for
// run-time files, logs.go opens the logs, reopen.go opens them anew, privileges.go gives up root and confines
// the apps, reach.go knows which folders a user can get to,
// health.go answers health checks and says which an app hides behind them,
// static.go puts files in front of the apps, files.go says which for people,
// handover.go gives the sockets to another process.
//
// It is the only package that sees bridge, supervisor and shim_py together.
// Rooms get their own typed options from here and know nothing of TOML, flags or
// the environment. What starts here is ended by Server.Stop: a goroutine per
// listener, which Stop waits for; pools and the HTTP server have their own; an
// Outlet has one that its Close ends.
package compose
