// Package cli reads command lines, finds the command and prints help. The commands themselves are in cmd/standpipe.
//
//	command.go  Command, Flag and App: the table of commands
//	context.go  Context: what one command line says
//	read.go     the reader: flags in gunicorn's forms, before or after the arguments; all problems at once
//	unknown.go  sentences about unknown commands and flags
//	help.go     the help of the program and of a command
//	pages.go    docs/commands.md
//	complete.go completion in shells
//
// No library: those for Go stop at the first argument or the first error, and know no flags of gunicorn's forms (-w4, -w=4),
// so that nearly all of it is here in any case. Most of them also print help by text/template. Its look-up of methods by name
// keeps the linker from leaving out methods that nothing calls: that makes the program larger by an eighth. No package of the
// program may import it (integration/deps_test.go); cmd/internal/export writes its files without it, too.
package cli
