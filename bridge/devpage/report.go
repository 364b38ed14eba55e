package devpage

import "github.com/standpipe/standpipe/shim/wire"

// Report is what failed.
type Report struct {
	Status int
	App    string
	// Title and Message say what: "ValueError" and its text, or a sentence.
	Title, Message string
	// Where is the place in the app's code; empty: unknown.
	Where string
	// Fix is what to do; empty: unknown.
	Fix string
	// Remark is a further sentence; may be empty.
	Remark string
	// Boot: the app does not start, so its requests have the same answer until its code changes.
	Boot bool
	// Detail is the exception with its frames; nil: there is none.
	Detail *wire.Detail
	// Traceback is the exception as Python prints it; Output the last lines of a worker; Stacks what its threads were doing. Each may
	// be empty.
	Traceback, Output, Stacks string
	// Dir and SysPath are where modules were looked for; empty: that is not the point.
	Dir     string
	SysPath []string
}

// OfError is the Report of an exception that the app has raised for a request.
func OfError(status int, app string, e *wire.AppError) *Report {
	r := &Report{Status: status, App: app, Title: e.Type, Message: e.Message, Detail: e.Detail, Traceback: e.Traceback}
	r.where(e.File, e.Line, e.Function)
	r.name()
	if d := e.Detail; d != nil && d.Handled != "" {
		r.Remark = d.Handled + " has answered this exception with a page of its own, which clients get in production."
	}
	return r
}

// where sets the place in the app's code.
func (r *Report) where(file string, line int, function string) {
	if file == "" {
		return
	}
	r.Where = place(file, line)
	if function != "" {
		r.Where += " in " + function
	}
}

// name takes the name and the text of the exception from Detail, which has them in full.
func (r *Report) name() {
	if r.Detail != nil && len(r.Detail.Exceptions) > 0 {
		r.Title, r.Message = r.Detail.Exceptions[0].Type, r.Detail.Exceptions[0].Message
	}
}

// OfBoot is the Report of an app that does not start. message says why in one sentence; failed is what the worker has sent; nil:
// nothing.
func OfBoot(app, message, fix string, failed *wire.Failed) *Report {
	r := &Report{Status: 503, App: app, Title: "The app does not start", Message: message, Fix: fix, Boot: true}
	if failed != nil {
		r.Detail, r.Traceback, r.Dir, r.SysPath = failed.Detail, failed.Traceback, failed.Dir, failed.SysPath
		r.where(failed.File, failed.Line, "")
	}
	return r
}
