// Package debugger lends the terminal that the server runs on to debuggers in the workers, one at a time.
//
// breakpoint() in an app asks for the terminal by its worker's connection (shim/PROTOCOL.md, "The terminal"). A loan makes the
// worker's process group the foreground group of the terminal, so that Ctrl-C reaches the debugger and not the server, and
// holds the server's own output back. The end of the loan restores both, and the modes of the terminal, however it comes: the
// debugger ends, its worker dies, the server stops.
//
//	terminal.go        Terminal: the loans, and the goroutine that makes them
//	desk.go            desk: which debugger is next; pure
//	tty_unix.go        tty: the device, its foreground group and its modes (Linux, macOS)
//	tty_linux.go, tty_darwin.go
//	                   what the two do differently: the device's name, a signal mask, a process that was stopped by Ctrl-Z
//	tty_other.go       no terminal to lend
//
// # Goroutines
//
//	goroutine     started by  ends when         waited for by
//	Terminal.run  Open        Close was called  Close
package debugger
