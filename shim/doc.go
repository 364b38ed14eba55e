// Package shim speaks the worker protocol: the connection to one worker, one request
// and its answer on one stream. PROTOCOL.md beside this file is the full description;
// frames and messages are package wire's.
//
// What is not here: processes (supervisor), HTTP (bridge), Python (shim_py). This
// package imports msgpack, by way of wire, and no other third-party package.
//
// # Object graph
//
//	Conn -> pipeReader, controlReader   they read what a worker says, and enter it
//	     -> writer (two)                what a worker is sent, on the pipe and the control socket
//	     -> sentQueue                   the requests of a worker that runs one at a time
//	     -> shared                      the memory that large bodies lie in
//	     -> Exchange -> answer, upload  one stream; both are pure: a frame in, what to do out
//
// # Files
//
//	conn.go       Conn: its life, its streams, its orders
//	ends.go       Ends: Go's ends of a worker's pipes
//	within.go     limits that go by in steps
//	reader.go     pipeReader: the nonce, then frames
//	control.go    controlReader: stacks, files, shared memory, requests that the worker returns
//	purges.go     entries of the HTTP cache that the app removes
//	debugs.go     debuggers in the app that want the terminal
//	writer.go     writer: frames of several callers in one write
//	writenow_*.go write what a pipe takes at once
//	widen_*.go    a pipe that holds more
//	rights*.go    descriptors that come over the control socket
//	sent.go       sentQueue: prefetch, and what comes back
//	exchange.go   Exchange: send, wait, cancel
//	end.go        how an Exchange ends: Close, Discard, Abort
//	answer.go     answer: what a worker has said on one stream, and what of it was taken
//	upload.go     upload: what a worker may be sent of a request body
//	event.go      Event: one step of an answer
//	deadline.go   Deadline, the one timer of all Waits, and the one way to wake a goroutine
//	chunk.go      a part of a body, and the memory it lies in
//	file.go       File: a body that the app gave as a file
//	shared*.go    memory that a worker shares
//	label.go      Label: what names a request in logs
//	fate.go       InFlight, Fate: may a request run again?
//	errors.go     the errors that callers branch on
//
// # Goroutines
//
//	goroutine            started by        ends when                    waited for by
//	reader (frames)      Conn.Run's caller the pipe ends or fails       Run returns
//	writer               Conn.Run          the Conn is closed           Run returns
//	control reader       Conn.Run          the control socket ends      Run returns
//	look (a timer's)     a second Request  at once                      it holds nothing
//	overran (a timer's)  Close             at once                      it holds nothing
//	overdue (a timer's)  Wait              at once                      it holds nothing
//
// Exchange methods run on the caller's goroutine. The reader never waits for a
// consumer: credit windows bound what a stream can have queued. An Exchange has one
// mutex, which is never held while anything waits, and one kind of wake-up (signal):
// a change is made under the mutex, and then the goroutine that may wait for it is
// woken, which looks again.
//
// # The life of an Exchange
//
// What is legal when. "new" is after Conn.Open, "sent" after Send or SendHeld, "answered"
// when the answer has ended or its worker is gone, "ended" after Close, Discard or Abort.
//
//	                      new    sent   answered  ended
//	Send, SendHeld        once   -      -         -
//	Started, Wanted       -      yes    error     error
//	SendBody              -      yes    error     error     after Send without the whole body
//	CancelOn              yes    yes    -         -         before Wait
//	Wait                  error  yes    yes       -         one goroutine at a time
//	Watch                 -      yes    yes       -         after the head
//	Cancel                yes    yes    yes       yes       ends waits, not the Exchange
//	Retry                 -      -      yes       yes       after ErrWorkerGone
//	State, Ran, Label     yes    yes    yes       yes
//	Event.Free            -      yes    yes       yes       once for each body
//
// Every Exchange is ended, by one of these; the first one counts:
//
//	verb     the app                                the worker            when
//	Close    is told that its client has left       is free when it has   always legal; the answer was passed on,
//	         (Cancel), unless it has ended; it may  ended, or replaced    or its client left
//	         go on for as long as the limit says    after the limit
//	Discard  is not told                            the same              always legal; the client gets another body
//	Abort    is interrupted                         replaced, after       while the app works for the request, and
//	                                                TimeOver              with ClientGone before the head; else an error
//
// Bytes from a worker are hostile: every length is compared with the bytes at
// hand before memory is taken, and msgpack.Unmarshal is never called on them.
package shim
