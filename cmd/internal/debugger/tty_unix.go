//go:build linux || darwin

package debugger

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// tty is the controlling terminal of the session.
type tty struct {
	fd     int
	name   string
	own    int         // the process group of the server
	saved  *term.State // the modes before give
	theirs *term.State // those of a debugger that was stopped
}

// openTTY returns the terminal that standard input is; nil: it is none, or not this session's.
func openTTY() device {
	if !term.IsTerminal(0) {
		return nil
	}
	t := &tty{name: nameOf(0), own: unix.Getpgrp()}
	var err error
	if t.fd, err = unix.Open(t.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err != nil {
		return nil
	}
	if _, err := t.group(); err != nil { // another session's
		t.close()
		return nil
	}
	return t
}

func (t *tty) close() { _ = unix.Close(t.fd) }

func (t *tty) path() string { return t.name }

// group is the foreground group.
func (t *tty) group() (int, error) { return unix.IoctlGetInt(t.fd, unix.TIOCGPGRP) }

func (t *tty) foreground() bool {
	group, err := t.group()
	return err == nil && group == t.own
}

func (t *tty) give(group int) error {
	saved, err := term.GetState(t.fd)
	if err != nil {
		return err
	}
	t.saved = saved
	return t.handTo(group)
}

// handTo makes group the foreground group.
func (t *tty) handTo(group int) (err error) {
	unstopped(func() { err = unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, group) })
	return err
}

func (t *tty) take() (clean bool) {
	now, _ := term.GetState(t.fd)
	_ = t.handTo(t.own)
	if t.saved == nil {
		return true
	}
	clean = now != nil && *now == *t.saved
	if !clean {
		t.theirs = now
		unstopped(func() { _ = term.Restore(t.fd, t.saved) })
	}
	return clean
}

// stopSelf stops the process group of the server as Ctrl-Z does, and returns when it was continued, or when it was not stopped.
func (t *tty) stopSelf(limit time.Duration) {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	_ = unix.Kill(0, unix.SIGTSTP)
	select {
	case <-continued:
	case <-time.After(limit):
	}
}

func (t *tty) resume(group int) error {
	theirs := t.theirs
	if err := t.give(group); err != nil {
		return err
	}
	if theirs != nil {
		unstopped(func() { _ = term.Restore(t.fd, theirs) })
	}
	return unix.Kill(-group, unix.SIGCONT)
}

func (t *tty) print(text string) {
	unstopped(func() { _, _ = unix.Write(t.fd, []byte(text)) })
}

// unstopped calls f in a thread in which SIGTTOU is blocked: what a process in the background does to its terminal then happens.
func unstopped(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unblock := blockTTOU()
	defer unblock()
	f()
}
