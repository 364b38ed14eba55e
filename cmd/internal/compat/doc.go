// Package compat answers command lines that were written for other servers: which of their
// flags standpipe has, and a sentence for each that it does not have.
//
//	flags.go        Flag and the tables: gunicorn.txt, others.txt
//	table.go        the form of the tables
//	uwsgi.go        uWSGI's options: uwsgi.txt, and uwsgi-options.txt with all their names; nginx's directives: nginx.txt
//	workerclass.go  gunicorn's -k and --worker-connections
//
// The tables are data, and the tables of docs/migrating/*.md are generated from them; modwsgi.txt, waitress.txt, granian.txt, unit.txt and
// caddy.txt are for those pages alone, the program does not hold them. The package has no state and no goroutine.
package compat
