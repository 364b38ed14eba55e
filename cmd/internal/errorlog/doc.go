// Package errorlog writes the error log: one record per event, in one of two formats.
//
// JSON is one object per line with the keys of the access log's JSON form: "time"
// (RFC 3339 with milliseconds), "level" (trace, debug, info, warn, error), "event"
// (the stable name, for programs), "message" (a sentence, for people), and then the
// event's fields as further keys of the same object. The fields are flat: a query
// needs no path, and every log collector accepts them. Durations are seconds and sizes are
// bytes, both as numbers. Text has the same content in a line for people.
//
// Objects: Loggers that differ in their implied pairs share a core (options, level,
// writer). Each call makes a record, formats it, and writes it.
//
// Files: logger.go (the Logger), record.go (a record and its fields), json.go and
// text.go (the formats), traceback.go (the app's frames first), journald_unix.go and journald_windows.go (whether the log
// goes to journald).
//
// The value of a field has a bound, because much of it comes from clients; a longer
// value is cut and ends with the number of missing bytes (package logtext).
// Tracebacks, stacks and the output of an app have a larger bound and lose their
// middle.
//
// No goroutines: the goroutine that logs writes the record, in one Write.
package errorlog
