package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// Top asks for the state and the figures of the last seconds, of one app or (empty) of all.
func (c *Client) Top(ctx context.Context, app string) (*admin.Top, error) {
	t := new(admin.Top)
	return t, c.Get(ctx, "/v1/top", ofApp(app), t)
}

// History asks for the last hour, of one app or (empty) of all.
func (c *Client) History(ctx context.Context, app string) (*monitor.History, error) {
	h := new(monitor.History)
	return h, c.Get(ctx, "/v1/history", ofApp(app), h)
}

func ofApp(app string) url.Values {
	if app == "" {
		return nil
	}
	return url.Values{"app": {app}}
}

// Watch has see called with a Top at once and then once in every, until see returns an error or ctx ends: that is its error. A server
// that ends the stream is io.ErrUnexpectedEOF; another error is *admin.Problem, or that of the connection.
func (c *Client) Watch(ctx context.Context, app string, every time.Duration, see func(*admin.Top) error) error {
	q := url.Values{"every": {every.String()}}
	if app != "" {
		q.Set("app", app)
	}
	resp, err := c.send(ctx, http.MethodGet, "/v1/top/stream?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c.problem(resp)
	}
	err = events(resp.Body, func(name string, data []byte) error {
		if name == "problem" {
			p := new(admin.Problem)
			if err := json.Unmarshal(data, p); err != nil {
				return c.foreign(err)
			}
			return p
		}
		t := new(admin.Top)
		if err := json.Unmarshal(data, t); err != nil {
			return c.foreign(err)
		}
		return see(t)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// problem is the error of a response that is not 200.
func (c *Client) problem(resp *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.explain(err)
	}
	p := new(admin.Problem)
	if json.Unmarshal(b, p) != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("%s answers %s: %.200s", c.Path, resp.Status, strings.TrimSpace(string(b)))
	}
	return p
}

func (c *Client) foreign(err error) error {
	return fmt.Errorf("%s does not respond with JSON of standpipe: %w", c.Path, err)
}

var errLongEvent = errors.New("an event is too long")

// events reads Server-Sent Events, and calls do for each; an event without data is left out. It returns the error of do, or
// io.ErrUnexpectedEOF at the end.
func events(r io.Reader, do func(name string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxAnswer)
	name, data, some := "", []byte(nil), false
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(line) == 0 {
			if some {
				if err := do(name, data); err != nil {
					return err
				}
			}
			name, data, some = "", data[:0], false
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			if len(data)+len(value) > maxAnswer {
				return errLongEvent
			}
			if some {
				data = append(data, '\n')
			}
			data, some = append(data, value...), true
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
