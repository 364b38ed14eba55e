// Package corpus reads a corpus of raw HTTP/1.1 requests and plays it against a server: the tests of bridge/http1 and those
// of the built binary judge by the same cases (bridge/http1/testdata/corpus, whose README.md describes the format).
//
//	read.go    Read: the cases of a folder
//	play.go    Case.Play: one case on one connection; Outcome
//	cork*.go   cork: bytes and a FIN that the server gets at once
//	check.go   Case.Check: whether an outcome is the expected one; Outcome.String
//	differ.go  Compare: another server beside the expected outcomes, by a table of differences
//	echo.go    Echo: what a handler saw, as its answer says it
//	cuts.go    EachByte, Random: where the bytes of a case are cut
//
// A server under test answers each request with an Echo, takes bodies of up to MaxBody bytes, and has the default limits.
//
// Goroutines: Play owns one, which writes; it ends with the connection, and Play waits for it. Compare owns one for each case
// under way, and waits for all.
package corpus
