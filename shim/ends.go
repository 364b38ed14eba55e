package shim

import "io"

// Ends are Go's ends of one worker's pipes. The Conn closes them.
type Ends struct {
	R io.ReadCloser  // the worker's stdout
	W io.WriteCloser // the worker's stdin
	// Control is Go's end of the control socket; nil when there is none. Where it
	// is a unix socket with a SyscallConn (an *os.File), files can come over it.
	Control io.ReadWriteCloser
	// Nonce is what the worker writes before Hello; empty: Hello comes first.
	Nonce []byte
	// Budget bounds the memory that the worker may share; nil: it is not bounded.
	Budget *SharedBudget
	// Process is the worker's; InFlight has it.
	Process Process
}

// Process tells a worker's processes apart.
type Process struct{ PID, Generation int }
