// Package errorlog writes the error log: one record per event, in one of two forms.
//
// JSON is one object per line with the keys of the access log's JSON form: "time"
// (RFC 3339 with milliseconds), "level" (trace, debug, info, warn, error), "event"
// (the stable name, for programs), "message" (a sentence, for people), and then the
// event's fields as further keys of the same object. The fields are flat: a query
// needs no path, and every collector takes them. Durations are seconds and sizes are
// bytes, both as numbers. Text is the same in a line that people read.
//
// Files: logger.go (the Logger), record.go (what a record is made of), json.go and
// text.go (the forms), journald_*.go (whether journald reads).
//
// The value of a field has a bound, because much of it comes from clients; what is
// longer is cut and says by how much (package logtext). Tracebacks, stacks and what an
// app prints have a larger bound and lose their middle.
//
// No goroutines: the goroutine that logs writes the record, in one Write.
package errorlog
