package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/cmd/internal/top"
	"github.com/standpipe/standpipe/cmd/internal/top/live"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

func topFlags() []*cli.Flag {
	return []*cli.Flag{
		{Name: "once", Usage: "print everything once, as text or (--json) as JSON", Switch: true},
		{Name: "json", Usage: "write JSON: one line every --interval, or (--once) one object", Switch: true},
		{Name: "interval", Hint: "TIME", Value: "1s", Usage: "how often the server is asked: 200ms to 1m"},
	}
}

const topDescription = `A full screen of the terminal, 80x24 or larger. The keys are at the bottom, and ? shows all: 1 to 6
choose apps, workers, upstreams, slow requests, the cache and events; / filters, s sorts, p pauses, Enter
shows all about a row, d the line of Python where a worker is, x restarts, scales, pauses or reloads after
a confirmation. docs/top.md says what each figure means.`

// showTop shows what the server does.
func showTop(s *controller) error {
	every, err := time.ParseDuration(s.line.String("interval"))
	if err != nil || every < 200*time.Millisecond || every > time.Minute {
		return exit.With(exit.Usage, fmt.Errorf("--interval %q: write a time from 200ms to 1m", s.line.String("interval")))
	}
	switch {
	case s.line.Bool("once"):
		return topOnce(s)
	case s.line.Bool("json"):
		return s.client.Watch(s.ctx, s.line.Arg(0), every, func(t *admin.Top) error { return json.NewEncoder(s.line.App.Out).Encode(t) })
	}
	in, out := os.Stdin, terminalOf(s.line.App.Out)
	if out == nil || !term.IsTerminal(int(in.Fd())) {
		return exit.With(exit.Usage, errors.New("standpipe top needs a terminal; standpipe top --once prints text, --once --json an object, --json a line of JSON every second"))
	}
	if live.Dumb(os.Getenv) {
		return exit.With(exit.Usage, fmt.Errorf("the terminal (TERM=%q) cannot show a full screen; standpipe top --once prints text", os.Getenv("TERM")))
	}
	// What can be known before the screen changes: that the server answers, and has the app.
	if _, err := s.client.Top(s.ctx, s.line.Arg(0)); err != nil {
		return err
	}
	foreign := ""
	if path, err := s.find(false); err != nil || path != s.client.Path {
		foreign = "this server is of another folder or user: begin with standpipe top --control " + s.client.Path + " to change it"
	}
	return live.Run(s.ctx, live.Options{
		Server: &live.Socket{Client: s.client, App: s.line.Arg(0)}, Name: s.client.Path, Every: every, Foreign: foreign, In: in, Out: out, Look: live.LookOf(os.Getenv),
	})
}

// terminalOf is the terminal that a writer is; nil: it is none.
func terminalOf(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

func topOnce(s *controller) error {
	t, err := s.client.Top(s.ctx, s.line.Arg(0))
	if err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, t)
	}
	m := top.New(s.client.Path, "", time.Second)
	m.Update(top.Arrived{At: time.Now(), Top: t})
	paint := func(_ screen.Style, text string) string { return text }
	if terminal.PaintFor(s.line.App.Out).On {
		paint = screen.Style.Paint
	}
	if live.LookOf(os.Getenv).ASCII {
		colour := paint
		paint = func(style screen.Style, text string) string { return colour(style, screen.ASCII(text)) }
	}
	_, err = io.WriteString(s.line.App.Out, m.Text(paint))
	return err
}
