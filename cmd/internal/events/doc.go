// Package events is the table of all events of the error log: each has its levels, its sentence, its fields, and the
// advice what to do. docs/logs.md, `standpipe explain` and the message of a record without one of its own come from it.
//
// A test of the sources (events_test.go) fails for an event that is logged and not in the table, or for a field that the
// table does not name; so does every integration test (its harness).
//
// Files: events.go (the types and the table), fields.go (the meanings of the fields), workers.go, requests.go, files.go and
// server.go (the rows), page.go (docs/logs.md and explain; page.md is the beginning of the page). gen writes the page.
//
// No goroutines; nothing changes after the start.
package events
