package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

const healthDescription = `Asks the control socket of the running server what its /readyz answers: no network, no TLS, no
curl in the image, and no app that would have to be idle. An app is ready when one of its workers has
started and the server is not stopping. A full queue does not count. Whatever is wrong with the server
is exit code 1, also when none runs; 2 is a wrong command line.`

// healthTime is how long the server may take to answer.
const healthTime = 5 * time.Second

// healthCommand is that command, from one that finds the running server first.
func healthCommand(c *cli.Command) *cli.Command {
	c.Description = healthDescription
	running := c.Action
	c.Action = func(c *cli.Context) error {
		var err error
		if address := c.String("url"); address != "" {
			if c.IsSet("control") || c.Arg(0) != "" {
				return cli.UsageError("--url names the whole check: no APP and no --control beside it")
			}
			err = healthAt(c, address)
		} else {
			err = running(c)
		}
		if e, ok := errors.AsType[*exit.Error](err); ok && e.Code == exit.Usage && e.Err != nil && !errors.Is(err, errHealthURL) {
			return exit.With(exit.Failed, e.Err) // Docker reserves 2
		}
		return err
	}
	return c
}

// health asks the control socket.
func health(s *controller) error {
	ctx, cancel := context.WithTimeout(s.ctx, healthTime)
	defer cancel()
	var h admin.Health
	if err := s.client.Get(ctx, "/v1/health", s.query(), &h); err != nil {
		return err
	}
	var waiting []string
	for _, a := range h.Apps {
		if !a.Ready {
			waiting = append(waiting, a.Name)
		}
	}
	return sayHealth(s.line, &h, strings.Join(waiting, ", "))
}

// sayHealth prints the result; the exit code says it too.
func sayHealth(c *cli.Context, h *admin.Health, waiting string) error {
	text := "ok"
	if !h.Ready {
		text = "not ready: " + waiting
	}
	var err error
	if c.Bool("json") {
		err = writeJSON(c.App.Out, h)
	} else {
		_, err = fmt.Fprintln(c.App.Out, printable(text))
	}
	if err == nil && !h.Ready {
		return exit.Silent(exit.Failed)
	}
	return err
}

var errHealthURL = errors.New("--url is not an address such as http://127.0.0.1:8000/readyz")

// healthAt asks an address. Redirects are not followed: readiness is answered at once.
func healthAt(c *cli.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return exit.With(exit.Usage, errHealthURL)
	}
	ctx, cancel := context.WithTimeout(c.Context, healthTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return exit.With(exit.Usage, errHealthURL)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return sayHealth(c, &admin.Health{Ready: resp.StatusCode == http.StatusOK, Apps: []admin.AppHealth{}}, address+" answers "+resp.Status)
}
