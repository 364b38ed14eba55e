package debugger

import (
	"slices"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

// loan is a debugger that wants the terminal, or has it.
type loan struct {
	supervisor.Borrower
	answer func(device string, refused error)
	asked  time.Time
	lent   time.Time // zero: it waits
	told   bool      // that it waits
}

// desk says which debugger has the terminal, and which is next: first come, first served. It is pure.
type desk struct {
	current *loan // that has the terminal; nil: none
	waiting []*loan
}

// add enters a loan, and returns the one that has the terminal; nil: it is free.
func (d *desk) add(l *loan) (before *loan) {
	d.waiting = append(d.waiting, l)
	return d.current
}

// remove takes a loan out. has: it is the one that has the terminal, which is still to be taken back.
func (d *desk) remove(l *loan) (has bool) {
	d.waiting = slices.DeleteFunc(d.waiting, func(o *loan) bool { return o == l })
	return d.current == l
}

// next returns the loan that is to get the terminal now; nil: none.
func (d *desk) next() *loan {
	if d.current != nil || len(d.waiting) == 0 {
		return nil
	}
	return d.waiting[0]
}

// lend gives the terminal to the next one.
func (d *desk) lend(at time.Time) {
	d.current, d.waiting = d.waiting[0], d.waiting[1:]
	d.current.lent = at
}

// open reports whether a debugger has the terminal or waits for it.
func (d *desk) open() bool { return d.current != nil || len(d.waiting) > 0 }
