package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/upgrade"
)

// upgrade starts the program that is now where this one was, to take over.
func (s *serving) upgrade() {
	refuse := func(why string) { s.log.Warn("upgrade_refused", "message", why) }
	switch {
	case os.Getpid() == 1:
		refuse("this is PID 1: its end is the container's end, so no other process can take over; start a new container instead")
		return
	case s.attempt != nil:
		refuse(fmt.Sprintf("an upgrade is under way already: process %d boots", s.attempt.Pid))
		return
	}
	for _, a := range s.srv.Config().Apps {
		if a.Life.Surge.None {
			refuse(fmt.Sprintf("app %q has surge = \"none\", and the new process would boot its workers beside these; stop standpipe and start it again instead", a.Name))
			return
		}
	}
	files, err := s.srv.Files()
	if err != nil {
		refuse("the listening sockets cannot be handed over: " + err.Error())
		return
	}
	o := upgrade.Options{Program: program(s.in.Dir), Args: os.Args, Env: os.Environ(), Dir: s.in.Dir, Limit: s.bootLimit()}
	for _, f := range files {
		o.Listeners = append(o.Listeners, upgrade.Listener{Address: f.Address, File: f.File})
		defer f.File.Close()
	}
	for _, p := range s.srv.Pools() {
		if p.Stats().EverUp {
			o.Up = append(o.Up, p.App())
		}
	}
	a, err := upgrade.Start(o)
	if err != nil {
		s.log.Error("upgrade_failed", "program", o.Program, "error", err, "message", "the new program could not be started; this process serves on")
		return
	}
	s.attempt = a
	s.log.Info("upgrade", "program", o.Program, "pid", a.Pid, "message", "a new process boots; this one serves until it is ready")
}

// executable is where the program was at the start.
var executable, _ = os.Executable()

func program(dir string) string { return upgrade.Program(os.Args[0], dir, executable) }

// bootLimit is how long a new process may take: its workers boot a few at a time.
func (s *serving) bootLimit() time.Duration {
	const more = 10 * time.Second
	longest := time.Duration(0)
	cfg := s.srv.Config()
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		if a.Life.BootTimeout == 0 {
			return 0
		}
		atATime := max(2, runtime.NumCPU())
		longest = max(longest, a.Life.BootTimeout*time.Duration((max(a.Workers.Min, 1)+atATime-1)/atATime))
	}
	return longest + more
}

// replaced hears how the attempt went, and returns true when the new process has
// taken over.
func (s *serving) replaced(err error) bool {
	a := s.attempt
	if err == nil {
		s.srv.OwnSockets(false)
		if err = a.TakeOver(); err == nil {
			s.manager.HandOver(a.Pid)
			a.Finish()
			s.log.Info("upgraded", "pid", a.Pid, "message", "the new process serves; this one finishes what it runs")
			return true
		}
		s.srv.OwnSockets(true)
	}
	s.attempt = nil
	pairs := []any{"error", err, "message", "this process serves on"}
	if f := new(upgrade.Failed); errors.As(err, &f) {
		pairs = append(pairs, "pid", f.Pid)
		if f.Output != "" {
			pairs = append(pairs, "output", f.Output)
		}
	}
	s.log.Error("upgrade_failed", pairs...)
	return false
}

// giveUp ends a new process that has not taken over, because this one stops. The
// function that comes back waits for its end.
func (s *serving) giveUp() (wait func()) {
	a := s.attempt
	if a == nil {
		return func() {}
	}
	a.Abort()
	return func() {
		if err := <-a.Done(); err == nil { // it was ready in the same moment: its wait for "go" ends
			a.Drop()
		}
	}
}

// retire finishes what this process runs, after another one has taken over. A signal
// stops it as ever.
func (s *serving) retire(ctx context.Context) error {
	began := time.Now()
	s.attempt = nil
	s.closeControl() // the commands are for the new one
	for _, p := range s.srv.Pools() {
		p.Resume() // nobody else can any more
	}
	patience := time.Duration(0)
	cfg := s.srv.Config()
	for i := range cfg.Apps {
		if cfg.Apps[i].Life.DrainTimeout == 0 {
			patience = 0
			break
		}
		patience = max(patience, cfg.Apps[i].Life.DrainTimeout)
	}
	drain, cancel := limited(ctx, began, patience)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- s.srv.HandOver(drain) }() // ends by cancel at the latest
	select {
	case sig := <-s.signals:
		cancel()
		<-drained
		return s.shutdown(ctx, sig)
	case err := <-drained:
		if err != nil {
			s.log.Warn("drain_ended", "message", "requests still ran at the end of drain_timeout; their workers are told to leave")
		}
	}
	s.stop(ctx)
	s.log.Info("stopped", "reason", "upgrade", "took", time.Since(began))
	return nil
}

// misses: an app that the process before serves has not come up in this one, which
// is no better then.
func (s *serving) misses() bool {
	for _, name := range s.inherited.Up() {
		for _, p := range s.srv.Pools() {
			if p.App() == name && s.progress.Of(name).Ready == nil {
				return true
			}
		}
	}
	return false
}

// takeOver takes connections, when the process before lets it, or has ended.
func (s *serving) takeOver() (os.Signal, error) {
	h := s.inherited
	defer h.Close()
	h.Ready()
	for told := false; ; {
		select {
		case sig := <-s.signals:
			return sig, nil
		case order, more := <-h.Orders():
			switch {
			case order == "stop":
				return nil, errors.New("the process before has given the upgrade up")
			case !more && told:
				return nil, nil
			case !told:
				told = true
				if rest := h.CloseRest(); len(rest) > 0 {
					s.log.Info("not_listening", "addresses", strings.Join(rest, ", "), "message", "the configuration does not have these any more")
				}
				s.srv.OwnSockets(true)
				s.srv.Accept()
				h.Taken()
				if !more {
					return nil, nil
				}
			}
		}
	}
}
