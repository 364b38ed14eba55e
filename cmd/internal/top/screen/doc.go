// Package screen is a terminal of cells: what `standpipe top` draws on, and where its keys come from.
//
//	style.go     Style: colours and weight of text
//	text.go      Clean, Width, Clip: text that clients have sent cannot control the terminal, and has a known width
//	canvas.go    Canvas: a grid of cells; pure
//	painter.go   Painter: the bytes that make a terminal show a Canvas, as few as the last one allows
//	graph.go     Spark, Bar, Plot: small graphs made of characters
//	keys.go      Decoder: keys out of the bytes of a terminal
//	terminal.go  Terminal: raw mode and the alternate screen, and back
//	input.go     Input: the bytes that are typed, until it is closed
//	ready_unix.go, ready_windows.go  how Input waits for them
//	suspend_unix.go, suspend_windows.go  Ctrl-Z
//
// All but Terminal, Input and Suspend are pure. Goroutines: Input has one, which reads and which Close ends and waits for.
package screen
