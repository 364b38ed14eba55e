// Package export writes configuration files for the programs beside standpipe: nginx and
// Apache in front of it, systemd, logrotate, Docker and Kubernetes around it, Prometheus.
//
//	export.go   File: what a template sees, from the settings in force and the caller's input
//	static.go   folders that a web server may serve by itself, and by which rules
//	systemd.go  what the units need besides the command line
//	cloud.go    what containers, Kubernetes, Prometheus and logrotate need
//	units.go    how sizes, times and addresses are spelled there
//	*.tmpl      the files, with the comments that explain them
//
// The package starts nothing and writes only the text. A setting that a neighbour needs goes
// into File and into the template; the integration tests serve through the result. There is
// no goroutine.
package export
