// Package wire is the worker protocol as data: it turns values into frames and
// frames into values, and does nothing else. PROTOCOL.md in the folder above is
// the full description.
//
// It opens nothing, starts nothing and waits for nothing but the io.Reader that a
// Reader is made of. Package shim owns the pipes and the state of each request.
//
// Bytes from a worker are hostile: every length is compared with the bytes at
// hand before memory is taken, and msgpack.Unmarshal is never called on them.
//
//	frame.go     the frame: kinds, flags, sizes, header
//	reader.go    Reader: frames off a stream of bytes
//	block.go     the memory that a Reader reads into
//	boot.go      Boot, and a worker's Hello, Ready and Failed
//	declared.go  Declared: a folder of files that the app declares
//	request.go   Request: an environ and the first bytes of a body
//	names.go     the variables that a Request names by number
//	head.go      Head: an answer's status and fields
//	hints.go     early hints
//	file.go      a file in place of an answer's body
//	window.go    credit for a body
//	log.go       LogRecord: a record of the shim's own
//	detail.go    Detail: an exception with its frames and values, for an error page
//	purge.go     Purge: entries of the HTTP cache that the app removes
//	debug.go     Debug: a debugger in the app wants the terminal
//	fork.go      a template's orders and answers
//	pack.go      msgpack, written without the library
//	walk.go      msgpack, read within bounds
//	errors.go    ProtocolError and AppError
//
// Go writes what a worker reads and reads what a worker writes. AppendHead, DecodeHead,
// DecodeRequest and Known are the other direction: for the vectors, and for the worker
// of package shimtest.
//
// A new kind of frame goes into frame.go's table, PROTOCOL.md and the vectors in
// ../testdata; a new message is one file with its decoder (walk.go reads msgpack) and a fuzz seed.
package wire
