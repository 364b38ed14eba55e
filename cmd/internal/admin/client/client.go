package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

// maxAnswer bounds a response, in bytes.
const maxAnswer = 64 << 20

// Client sends requests to the server behind one socket.
type Client struct {
	Path string
	http *http.Client
}

// New returns a Client; it is not connected yet. Close must be called.
func New(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{path, &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get requests a path; query may be nil. Errors are *admin.Problem if the server has
// responded.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// Post sends a command, and returns when it is done.
func (c *Client) Post(ctx context.Context, path string, o admin.Order) (admin.Done, error) {
	var d admin.Done
	return d, c.do(ctx, http.MethodPost, path, &o, &d)
}

// Stop sends the command to stop, and returns when the process has exited.
func (c *Client) Stop(ctx context.Context) error {
	resp, err := c.send(ctx, http.MethodPost, "/v1/stop", &admin.Order{})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// A process that is killed resets the connection; it has exited all the same.
	_, _ = io.Copy(io.Discard, resp.Body)
	return ctx.Err()
}

func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://standpipe"+path, &b)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	return resp, nil
}

func (c *Client) do(ctx context.Context, method, path string, body, into any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c.problem(resp)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.explain(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return c.foreign(err)
	}
	return nil
}

// explain removes the wrapping of net/http.
func (c *Client) explain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("%s: %w", c.Path, err)
}
