package run

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/upgrade"
)

// entry is how this process comes to serve: by itself, or in the place of a process that
// serves already.
type entry interface {
	// begin is called before the addresses are opened.
	begin(ctx context.Context) bootPolicy
	// opened is called when the addresses are open, and root privileges are not dropped yet.
	opened(ctx context.Context) error
	// booting is called when the workers have been started.
	booting()
	// enter is called when the apps are up. It returns when this process serves alone, or with
	// ctx's error.
	enter(ctx context.Context) error
}

// fresh is the entry of a process that no other one has started.
type fresh struct {
	product *compose.Server
	service *service
	control *control
	monitor *monitor.Monitor
	version string
}

// patience is how long a fresh start waits for the further workers of an app.
const patience = 5 * time.Second

func (f *fresh) begin(ctx context.Context) bootPolicy {
	f.monitor.Mark(monitor.Mark{Kind: "started", Text: "standpipe " + f.version})
	f.service.open(ctx)
	f.service.manager.Starting()
	return bootPolicy{patience: patience}
}

func (f *fresh) opened(ctx context.Context) error { return f.control.open(ctx) }

// booting accepts connections at once: requests wait in the queue until a worker is ready.
func (f *fresh) booting() { f.product.Listeners.Accept() }

func (f *fresh) enter(context.Context) error { return nil }

// successor is the entry of a process that an upgrade has started: it boots beside the old
// process and takes over its addresses when its own workers are ready.
type successor struct {
	inherited *upgrade.Inheritance
	product   *compose.Server
	service   *service
	control   *control
	log       *logfile.Log
	monitor   *monitor.Monitor
	version   string
}

// begin has the addresses taken over. A successor waits for all workers: the old process
// serves meanwhile.
func (s *successor) begin(context.Context) bootPolicy {
	s.product.Listeners.Inherit(s.inherited.Take)
	return bootPolicy{needed: s.inherited.Up()}
}

// opened opens nothing more: the control socket still belongs to the old process.
func (s *successor) opened(context.Context) error { return nil }

func (s *successor) booting() {}

// enter accepts connections when the old process agrees, or has ended, and then speaks for
// the service.
func (s *successor) enter(ctx context.Context) error {
	defer s.inherited.Close()
	s.inherited.Ready()
	for accepted := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case order, more := <-s.inherited.Orders():
			if order == "stop" {
				return errors.New("the old process has cancelled the upgrade")
			}
			if !accepted {
				accepted = true
				s.accept()
			}
			if !more {
				s.speak(ctx)
				return nil
			}
		}
	}
}

func (s *successor) accept() {
	if rest := s.inherited.CloseRest(); len(rest) > 0 {
		s.log.Info("not_listening", "addresses", strings.Join(rest, ", "), "message", "the configuration does not have these addresses any more")
	}
	s.product.Listeners.RemoveSockets(true)
	s.product.Listeners.Accept()
	s.inherited.Taken()
}

func (s *successor) speak(ctx context.Context) {
	s.monitor.Mark(monitor.Mark{Kind: "upgraded", Text: "standpipe " + s.version})
	s.service.open(ctx)
	s.service.manager.Ready()
	s.control.takeOver(ctx)
}
