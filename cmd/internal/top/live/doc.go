// Package live connects the model of `standpipe top` with a server and a terminal.
//
//	loop.go    Run: events to the model, its actions, its screen to the terminal
//	server.go  Server: what is asked of the server; Socket is that over the control socket
//	look.go    what the terminal can show: characters, colours
//
// Goroutines, all of Run, which ends and waits for them: one watches the server, one for each order and each dump that
// waits for its answer (at most mostAsked), and that of screen.Input.
package live
