package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/dashboard"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

const dashboardDescription = `The page of the setting dashboard, for a server that runs without it: this command serves it on a port of this machine
alone, and asks the server by its control socket. It prints a link that logs in one browser, which may then reload, restart
and scale too; after its use it prints the next one. The page is there until Ctrl-C. From another machine:
ssh -L 9180:127.0.0.1:9180 HOST standpipe dashboard --port 9180`

func dashboardFlags() []*cli.Flag {
	return []*cli.Flag{{Name: "port", Hint: "PORT", Usage: "the port of 127.0.0.1; by default one that is free"}}
}

// showDashboard serves the page until Ctrl-C.
func showDashboard(s *controller) error {
	port := 0
	if text := s.line.String("port"); text != "" {
		var err error
		if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
			return cli.UsageError("--port is %q; it takes a number from 0 to 65535", text)
		}
	}
	var st admin.Status
	if err := s.client.Get(s.ctx, "/v1/status", nil, &st); err != nil {
		return err
	}
	ln, err := listen.Listen(s.ctx, listen.Spec{Address: fmt.Sprintf("127.0.0.1:%d", port)})
	if err != nil {
		return exit.With(exit.Address, err)
	}
	source := dashboard.NewRemote(s.client.Path)
	defer source.Close()
	used := make(chan struct{}, 1)
	page := dashboard.NewHandler(dashboard.Options{Source: source, Token: rand.Text(), Local: true, Used: func() {
		select {
		case used <- struct{}{}:
		default: // a new link is on its way
		}
	}})
	server := dashboard.NewServer(page, httpx.Pace{Silence: time.Minute, Rate: 0}, nil)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }() // ends with Close
	defer server.Close()
	link := func(words string) error { return s.say("%s %s", words, "http://"+ln.Addr().String()+page.NewLink()) }
	if err := link(fmt.Sprintf("the dashboard of standpipe %s, pid %d, until Ctrl-C:\n ", st.Version, st.Pid)); err != nil {
		return err
	}
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case err := <-ended:
			return exit.With(exit.Failed, errors.Join(errors.New("the address does not accept connections any more"), err))
		case <-used:
			if err := link("for another browser:"); err != nil {
				return err
			}
		}
	}
}
