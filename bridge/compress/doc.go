// Package compress compresses answers: gzip, zstd, br.
//
//	coder.go    the three codings, with their writers kept for the next answer
//	stream.go   stream: one content in slices, so that it does not hold up other requests
//	encoder.go  Encoder: whole contents at once
//	handler.go  New: the stage that compresses an app's answers, while they come
//	fields.go   what compression changes in an answer's fields
//
// What is not here: files that were compressed ahead, and when a file is compressed
// (bridge/static, which takes an Encoder without knowing this package); which answers
// are compressed at all is configured, and off for those of apps: a page that repeats
// parts of its request beside a secret reveals the secret by its length (BREACH).
//
// The package starts no goroutine, nor do the libraries as they are used here.
package compress
