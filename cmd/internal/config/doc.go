// Package config is standpipe's settings: it turns the defaults, a TOML file, the environment and the flags into one
// checked Config. Package schema, below it, is the engine; here are the tables and types of the product.
//
// A Config is a tree of small structs. Each declares its settings as data (Settings) and checks its own values (Check):
// Limits, Cache, Logs, Tracing, Stop, TLS, ACME and Dev are the tables [limits], [cache], [log], [trace], [stop], [tls], [acme] and [dev]; Trust, Responses, Folders, Files, Memory, Account, Control, Dashboard, Servers and Scanners
// hold the keys at the top of the file; Listen, Certificate, Access, Internal, Static, App, RateLimit and Route are arrays of tables; Workers, Requests,
// AppFiles, Caching, Life and Confine are the keys of an App. Load runs a loader once: it reads the layers, fills the structs,
// derives what was not set, and checks. Each effective value knows its source.
//
// Files, the structs: config.go, trust.go, responses.go, folders.go, files.go, memory.go, account.go, control.go, dashboard.go, limits.go, logs.go, tracing.go,
// cache.go, caching.go, stop.go, tls.go, acme.go, dev.go, listen.go (with listen_parse.go), access.go, internal.go, static.go, app.go, env.go, workers.go, share.go, requests.go,
// appfiles.go, life.go, confine.go, ratelimit.go, scanners.go, route.go, routematch.go, routehandler.go, routeanswer.go, routerewrite.go, fields.go, presets.go, scripts.go, upstream.go, upstream_server.go, upstream_balance.go, upstream_health.go, upstream_find.go; hosts.go and headers.go are values that several of them have.
// The texts of the documentation are in texts/, a file for each table; product.go puts all together as a schema.
//
// Files, the loader: load.go (the layers), apps.go (which apps there are), derive.go and derive_app.go (what was not set),
// machine.go, machine_unix.go and machine_windows.go (the machine's limits), identity.go (users), guard.go (hard_rss), envfile.go, variables.go (unknown variables), check.go
// (what needs more than one table), missing.go (an app whose folder is missing), notapp.go and absent.go (a module that is
// not an app, or does not exist), peek.go (one key of a file), masked.go (secrets), restart.go (what a reload does not
// change), release.go (links resolved).
//
// A new setting is one entry in the Settings of its struct, one field with its key as a tag, and one paragraph in texts/.
// A new table is one new file with a struct that has Settings (and Check), and one line: the field of Config that it is.
// Then run `go run ./cmd/internal/config/gen`. Only a setting whose feature exists may be declared.
//
// The command line library is not known here: cmd/standpipe passes what was given. Packages outside cmd do not import this one:
// cmd/internal/compose turns a Config into their own options.
//
// No goroutines, nothing global that changes. Files are read by Load, Again and Peek alone.
package config
