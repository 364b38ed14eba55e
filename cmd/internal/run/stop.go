package main

import (
	"context"
	"errors"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// helperGone ends the server in order, and with a code that says that it failed: the apps
// with users of their own can have no worker any more, and only root can start another
// helper. A service manager starts everything again.
func (s *serving) helperGone(ctx context.Context) error {
	s.log.Error("helper_ended", "message", "the helper process that starts workers as other users has ended; standpipe stops, since only a new start can make another one")
	if err := s.shutdown(ctx, helperEnded{}); err != nil {
		return err
	}
	return exit.With(exit.Failed, errors.New("the helper process that starts workers as other users has ended"))
}

// helperEnded is why a stop begins that nobody has asked for.
type helperEnded struct{}

func (helperEnded) Signal()        {}
func (helperEnded) String() string { return "none: the helper has ended" }
