// Package gunicorn makes a standpipe.toml of a gunicorn.conf.py.
//
//	run.go       runs the file, which is Python: settings.py, in the project's own interpreter
//	translate.go one function or key for each setting
//
// Settings without an equivalent get the sentence that cmd/internal/compat has for them. There is no goroutine.
package gunicorn
