// Package shim speaks the worker protocol: frames over a worker's pipes, one
// request and its answer on one stream.
//
// PROTOCOL.md beside this file is the one full description; frames and messages
// are package wire's. What is here: the memory that large bodies lie in (shared.go,
// chunk.go), the connection to one worker (conn.go, read.go, writer.go), one request and
// its answer (exchange.go, label.go, body.go, answer.go, outcome.go, watch.go), the requests that wait
// at a worker and come back (recall.go), and the errors that
// callers branch on (errors.go).
// What is not: processes (supervisor), HTTP (bridge), Python (shim_py). This
// room imports msgpack and nothing else of anybody's.
//
// # Goroutines
//
//	who                     started by        ends when                    waited for by
//	reader (frames)         Conn.Run's caller the pipe ends or fails       Run returns
//	writer                  Conn.Run          the Conn is closed           Run returns
//	control reader          Conn.Run          the control socket ends      Run returns
//	recall (a timer's)      a second Request  at once                      nobody: it holds nothing
//
// Exchange methods run on the caller's goroutine. The reader never waits for a
// consumer: credit windows bound what a stream can have queued.
//
// Bytes from a worker are hostile: every length is compared with the octets at
// hand before memory is taken, and msgpack.Unmarshal is never called on them.
package shim
