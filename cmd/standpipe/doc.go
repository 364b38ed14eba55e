// The command standpipe serves Python WSGI applications. This package has the commands; the
// server is cmd/internal/run.
//
//	main.go      main
//	app.go       the table of commands, how a command line runs, how errors are printed
//	args.go      the order of arguments, unknown flags and commands
//	input.go     what the configuration is read from
//	flaghelp.go  the help of flags
//	hidden.go    the commands that the program starts itself with
//
// Commands, one file each:
//
//	serve.go, check.go, check_load.go (--load), config.go, export.go, version.go, compress.go, explain.go
//	control.go   the commands for a running server
//	control_find.go    which server they control
//	control_status.go  status and dump
//	control_certs.go   certs
package main
