// Package exit holds the program's exit codes, in one place, and the error that carries one.
package exit

import "errors"

// The exit codes of every command.
const (
	OK          = 0   // stopped, or done
	Failed      = 1   // a command failed
	Usage       = 2   // the command line or the configuration is wrong
	NotBooted   = 3   // an app did not start
	Address     = 4   // an address is in use, or we may not bind it
	Interrupted = 130 // a second signal ended a stop in progress
)

// Error is an error that decides the exit code.
type Error struct {
	Code int
	Err  error // nil: everything has been said already; nothing is printed
}

// With gives err the exit code.
func With(code int, err error) error { return &Error{Code: code, Err: err} }

// Silent is an exit code without a message, for a command that has printed its own.
func Silent(code int) error { return &Error{Code: code} }

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Code is the exit code for err: 0 for nil, the carried one, else Failed.
func Code(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Failed
}
