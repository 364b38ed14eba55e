// Package uwsgi makes a standpipe.toml of a configuration of uWSGI: ini, or its forms in YAML, XML and JSON.
//
//	read.go       the options of a file, in their order: sections, includes, %d and its like
//	forms.go      YAML, XML and JSON
//	logic.go      for, if-env and the other blocks
//	expand.go     $(VARIABLE), @(file) and %(option)
//	translate.go  what each option becomes
//	listen.go     addresses
//	static.go     static-map and its like
//
// Options are read as uWSGI 2.0 reads them, in its order: the signs of the file, then includes and blocks as they come, then
// placeholders. An option without an equivalent gets the sentence that cmd/internal/compat has for it. No goroutine.
package uwsgi
