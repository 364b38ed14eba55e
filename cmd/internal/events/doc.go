// Package events is the table of everything that the error log says: each event with
// its level, its sentence, its fields, and what to do about it. docs/logs.md, standpipe
// explain and the message of a record that has none of its own come from it.
//
// An event that is logged and not in the table, or with a field that the table does
// not name, fails a test: of the sources (sources_test.go), and of every integration
// test (the harness).
//
// Files: events.go (the types and look-ups), fields.go (what the fields mean),
// workers.go, requests.go, files.go and server.go (the table), page.go (docs/logs.md and explain).
// gen writes the page.
package events
