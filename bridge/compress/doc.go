// Package compress makes answers smaller on their way: gzip, zstd, br.
//
//	coder.go    the three codings, with their writers kept for the next answer
//	encoder.go  Encoder: whole contents at once
//	handler.go  Handler: an app's answers, while they come
//	fields.go   what compression changes in an answer's fields
//
// What is not here: files that were compressed ahead, and when a file is compressed
// (bridge/static, which takes an Encoder without knowing this package); which answers
// are compressed at all is configured, and off for those of apps: a page that repeats
// what its request says beside a secret tells the secret by its length (BREACH).
//
// The package starts no goroutine, nor do the libraries as they are used here.
package compress
