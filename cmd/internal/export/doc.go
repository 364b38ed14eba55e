// Package export writes configuration files for the programs beside standpipe: nginx and
// Apache in front of it, systemd, logrotate, Docker and Kubernetes around it, Prometheus.
//
//	export.go      File: what the text is made from, by the settings in force and the caller's input
//	static.go      folders that a web server may serve by itself, and by which rules
//	cloud.go       what containers, Kubernetes, Prometheus and logrotate need
//	units.go       how sizes, times and addresses are spelled there
//	page.go        page: the text while it is written
//	nginx.go, apache.go, systemd.go, logrotate.go, docker.go, kubernetes.go, prometheus.go
//	               the files, each from its first line to its last, with the comments that explain them; systemd.go
//	               also has what the units need besides the command line
//
// The package starts nothing and writes only the text. A setting that a neighbour needs goes
// into File and into the text; the integration tests serve through the result. There is
// no goroutine.
//
// The texts are Go and not templates. text/template looks up methods by name at run time, so that the linker cannot leave
// out methods that nothing calls: with it the program had 24.7 MB, and has 22.0 MB without (linux/amd64, stripped).
// A test in integration/deps_test.go holds that no package of the program imports it.
package export
