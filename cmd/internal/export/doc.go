// Package export writes configuration files for the programs beside standpipe:
// nginx and Apache in front of it, systemd around it.
//
//	export.go      what the files are made of: the settings in force, and what a caller adds
//	static.go      folders that a web server may serve by itself, and by which rules
//	systemd.go     what the units say beside the command line
//	units.go       how sizes, times and addresses are spelled there
//	*.tmpl         the files, with the comments that explain them
//
// Nothing is run and nothing is written but the text. A setting that a neighbour has
// to know goes into File and into the template that needs it; the integration tests
// serve through what comes out.
package export
