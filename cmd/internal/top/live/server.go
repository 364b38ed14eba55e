package live

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/admin/client"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// Server is the one that is shown.
type Server interface {
	// Watch calls each until ctx ends or the server is gone.
	Watch(ctx context.Context, every time.Duration, each func(*admin.Top)) error
	History(ctx context.Context) (*monitor.History, error)
	Dump(ctx context.Context, worker string) (stacks string, err error)
	Do(ctx context.Context, path string, order admin.Order) error
}

// Socket is a server behind its control socket; App: only this one.
type Socket struct {
	Client *client.Client
	App    string
}

// Watch calls each until ctx ends or the server is gone.
func (s *Socket) Watch(ctx context.Context, every time.Duration, each func(*admin.Top)) error {
	return s.Client.Watch(ctx, s.App, every, func(t *admin.Top) error { each(t); return nil })
}

// History is the last hour.
func (s *Socket) History(ctx context.Context) (*monitor.History, error) {
	return s.Client.History(ctx, s.App)
}

// Dump are the stacks of a worker.
func (s *Socket) Dump(ctx context.Context, worker string) (string, error) {
	var d admin.Dump
	err := s.Client.Get(ctx, "/v1/dump", url.Values{"worker": {worker}}, &d)
	return d.Stacks, err
}

// Do changes something.
func (s *Socket) Do(ctx context.Context, path string, order admin.Order) error {
	_, err := s.Client.Post(ctx, path, order)
	return err
}

// explain is an error as a sentence, and the traceback that belongs to it.
func explain(err error) (text, more string) {
	p, ok := errors.AsType[*admin.Problem](err)
	if !ok || len(p.Failures) == 0 {
		return err.Error(), ""
	}
	for _, f := range p.Failures {
		more += f.Sentence + "\n"
		for _, s := range []string{f.Traceback, f.Output} {
			if s != "" {
				more += strings.TrimRight(s, "\n") + "\n"
			}
		}
		more += "\n"
	}
	return p.Failures[0].Sentence, more
}
