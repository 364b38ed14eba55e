package main

import (
	"errors"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// health fails when an app has no worker that takes requests. One whose workers are stopped for want of requests (idle_stop) is
// as it should be.
func health(s *controller) error {
	var st admin.Status
	if err := s.client.Get(s.ctx, "/v1/status", s.query(), &st); err != nil {
		return err
	}
	var without []string
	for _, a := range st.Apps {
		if a.Ready == 0 && !a.Asleep {
			without = append(without, a.Name)
		}
	}
	switch {
	case st.Stopping:
		return exit.With(exit.Failed, errors.New("the server is stopping"))
	case len(without) > 0:
		return exit.With(exit.Failed, errors.New("no worker takes requests of: "+printable(strings.Join(without, ", "))))
	}
	return s.say("ok")
}
