package exit

import "errors"

// The exit codes of every command.
const (
	OK          = 0   // stopped, or done
	Failed      = 1   // a command failed
	Usage       = 2   // the command line or the configuration is wrong
	NotBooted   = 3   // an app did not start
	Address     = 4   // an address is in use, or this user may not bind it
	Interrupted = 130 // a second signal ended a stop in progress
)

// Meaning explains an exit code.
type Meaning struct {
	Code  int    `json:"code"`
	Means string `json:"means"`
	Do    string `json:"do"`
}

// Codes are all of them, for the documentation and for standpipe explain.
var Codes = []Meaning{
	{OK, "The server stopped in order, or the command did what it was asked to.", "Nothing."},
	{Failed, "A command failed: no server answers, a reload was refused, a file cannot be written.", "Read the message on standard error."},
	{Usage, "The command line or the configuration is wrong; nothing was started.", "Fix what the message names; `standpipe check` reports all problems at once."},
	{NotBooted, "No app started, or `standpipe check --load` found one that does not.", "Read the traceback: app_failed in the log has the line."},
	{Address, "An address is in use, or this user may not bind it.", "Stop the program that listens there (`ss -ltnp`), or choose another address. For a port below 1024 do what the message says (setcap or a systemd socket), or start as root with --user."},
	{Interrupted, "A second signal ended a stop in progress; requests may have been cut off.", "Send one signal and wait; stop_timeout bounds the stop."},
}

// Error is an error that decides the exit code.
type Error struct {
	Code int
	Err  error // nil: the message was printed already
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
