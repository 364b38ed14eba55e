// The command standpipe serves Python WSGI applications. This package has the commands; the
// server is cmd/internal/run.
//
//	main.go      main
//	app.go       the table of commands, how errors are printed (cmd/internal/cli reads the command line)
//	input.go     what the configuration is read from
//	pages.go     docs/commands.md; commands_head.md and commands_tail.md are around the commands
//	hidden.go    commands that are not for people
//
// Commands, one file each:
//
//	serve.go, dev.go, check.go, check_load.go (--load), check_explain.go (--explain), config.go, export.go, import.go, init.go, version.go, compress.go, explain.go,
//	completion.go
//	control.go   the commands for a running server
//	control_find.go    which server they control
//	control_status.go  status and dump
//	control_top.go     top
//	control_cache.go   the HTTP cache in the status
//	control_upstreams.go the upstreams in the status
//	control_health.go  health
//	control_certs.go   certs
//	control_dashboard.go  dashboard: the page for browsers, from the command's own process
//	control_deny.go    deny and allow
//	control_maintenance.go  maintenance: 503 for all but some clients
//	control_purge.go   purge: entries of the HTTP cache
//	certs_trust.go     certs trust, certs untrust
package main
