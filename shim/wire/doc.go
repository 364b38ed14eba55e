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
//	frame.go     the frame: kinds, flags, sizes, header; Reader
//	block.go     the memory that a Reader reads into
//	message.go   messages that Go sends
//	decode.go    messages that a worker sends
//	head.go      an answer's status and fields
//	hints.go     early hints
//	file.go      a file in place of an answer's body
//	fork.go      a template's orders and answers
//	names.go     the variables that a Request names by number
//	walk.go      walks msgpack within bounds
//	errors.go    ProtocolError and AppError
//
// A new kind of frame goes into frame.go's table, PROTOCOL.md and the vectors in
// ../testdata; a new message gets its walk beside the others and a fuzz seed.
package wire
