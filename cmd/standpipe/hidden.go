package main

import (
	"fmt"
	"io"
	"os"

	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/supervisor/process"
)

// hidden runs the commands that this program starts itself with; not there: the arguments
// come from a person.
//
//	standpipe __exec SPEC ARGV...   confines itself, then becomes ARGV
//	standpipe __helper              starts workers as other users, for a server that has dropped root privileges
//	standpipe __complete WORD...    completes a command line, for the scripts of standpipe completion
//	standpipe __page                writes docs/commands.md
func hidden(args []string) (code int, there bool) {
	if len(args) < 2 {
		return 0, false
	}
	var err error
	switch args[1] {
	case "__complete":
		err = newApp(os.Stdout, io.Discard).Complete(os.Stdout, args[2:])
	case "__page":
		err = writePage(os.Stdout)
	case "__exec":
		err = process.RunConfined(args[2:])
	case "__helper":
		if err = process.RunHelper(); err != nil {
			return exit.OK, true // the server has closed the socket: the regular end
		}
	default:
		return 0, false
	}
	if err == nil {
		return exit.OK, true
	}
	fmt.Fprintln(os.Stderr, "standpipe:", err)
	return exit.Failed, true
}
