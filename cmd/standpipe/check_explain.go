package main

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// questionOf is the request of --explain; nil: there is none.
func questionOf(c *cli.Context) (*compose.Question, error) {
	bad := func(format string, args ...any) error { return exit.With(exit.Usage, fmt.Errorf(format, args...)) }
	if !c.IsSet("explain") {
		if c.IsSet("header") || c.IsSet("client") {
			return nil, bad("-H and --client are for --explain 'GET https://shop.example.org/'")
		}
		return nil, nil
	}
	text := strings.TrimSpace(c.String("explain"))
	method, target, ok := strings.Cut(text, " ")
	if !ok {
		method, target = http.MethodGet, text
	}
	if target = strings.TrimSpace(target); strings.HasPrefix(target, "/") { // the path alone
		target = "http://localhost" + target
	}
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || !cgi.ValidHost(u.Host) || u.Host == "":
		return nil, bad("--explain %q is not a method and a URL or a path; write --explain 'GET https://shop.example.org/x?y', or --explain /x", text)
	case !httpx.IsToken(method):
		return nil, bad("--explain: %q is not a method", method)
	}
	q := &compose.Question{Method: method, URL: u, Header: http.Header{}}
	for _, line := range c.Strings("header") {
		name, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok || !httpx.IsToken(name) || !httpx.ValidValue(value) {
			return nil, bad("-H %q is not a field; write -H 'Name: value'", line)
		}
		if strings.EqualFold(name, "Host") {
			return nil, bad("-H %q: the host is that of the URL", line)
		}
		q.Header.Add(name, value)
	}
	client := "127.0.0.1"
	if c.IsSet("client") {
		client = c.String("client")
	}
	if q.Client, err = netip.ParseAddr(client); err != nil {
		return nil, bad("--client %q is not an address", client)
	}
	return q, nil
}

// explainRequest says who would answer a request, and why.
func explainRequest(c *cli.Context, cfg *config.Config, q compose.Question) error {
	e, err := compose.Explain(cfg, version, q)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if c.Bool("json") {
		return writeJSON(c.App.Out, e)
	}
	_, err = io.WriteString(c.App.Out, e.String())
	return err
}
