package wsgi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
)

// Warm asks an app for each of paths, before it takes requests: GET, from this
// machine, for the host localhost. mount is the path that the app lives at. It
// returns what the first one that is not answered with 2xx or 3xx got.
func Warm(ctx context.Context, mount string, paths []string, open func(shim.Label) (*shim.Exchange, error)) error {
	for _, path := range paths {
		if err := warm(ctx, mount, path, open); err != nil {
			return fmt.Errorf("GET %s: %w", path, err)
		}
	}
	return nil
}

func warm(ctx context.Context, mount, path string, open func(shim.Label) (*shim.Exchange, error)) error {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return err
	}
	r := &http.Request{Method: http.MethodGet, URL: u, RequestURI: path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"standpipe warmup"}}, Host: "localhost", RemoteAddr: "127.0.0.1:0"}
	id := httpx.NewID(time.Now())
	x, err := open(shim.Label{ID: id, Method: r.Method, Target: path, Client: "warmup", Start: time.Now()})
	if err != nil {
		return err
	}
	defer x.Close(0)
	vars := cgi.AppendVars(nil, r, &cgi.Info{ID: id, Scheme: "http", ScriptName: mount, RemoteAddr: "127.0.0.1", RemotePort: "0", ServerName: "localhost", ServerPort: "80"})
	if err := x.Send(vars, nil, true); err != nil {
		return err
	}
	x.CancelOn(ctx.Done(), context.DeadlineExceeded)
	for {
		e, err := x.Wait(shim.Deadline{})
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil || e.Kind == shim.EventEnd:
			return err
		case e.Kind == shim.EventHead:
			h, err := checkHead(e.Head)
			if err != nil {
				return err
			}
			if h.status >= 400 {
				return fmt.Errorf("the app answered %s", e.Head.Status)
			}
		case e.Kind == shim.EventFile:
			return e.File.Close()
		}
		e.Free()
	}
}
