package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

var (
	errNoTunnel = errors.New("the upstream changed the protocol on a connection that cannot")
	errClosed   = errors.New("the other side cannot be told of the end")
)

// tunnel connects the client with the upstream, which has changed the protocol (RFC 9110 7.8), until one of them fails or
// both have ended.
func (p *response) tunnel() {
	q := p.q
	back, ok := p.Body.(io.ReadWriteCloser)
	if !ok {
		_ = p.Body.Close()
		q.fail(errNoTunnel)
		return
	}
	defer back.Close()
	if want, got := protocolOf(q.r.Header), protocolOf(p.Header); !strings.EqualFold(want, got) {
		q.fail(fmt.Errorf("the upstream changed to the protocol %q, and the client asked for %q", got, want))
		return
	}
	p.tunnelHead()
	conn, buf, err := http.NewResponseController(q.w).Hijack()
	if err != nil {
		q.fail(err)
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(q.ctx, func() { back.Close() })
	defer stop()
	q.info.Status = p.StatusCode // which goes past the Writer
	p.Body = nil                 // only the head is written
	if err = p.Write(buf); err == nil {
		err = buf.Flush()
	}
	if err != nil {
		q.fail(err)
		return
	}
	ends := make(chan error, 2)
	go func() { ends <- relay(back, conn) }() // both end with the connections, and are waited for
	go func() { ends <- relay(conn, back) }()
	if err := <-ends; err != nil {
		conn.Close()
		back.Close()
	}
	<-ends
}

// tunnelHead adds the fields that the chain and the server have set.
func (p *response) tunnelHead() {
	delete(p.Header, "X-Request-Id") // the one that the logs have
	ours := p.q.w.Header()
	httpx.Spell(ours, p.Header)
	maps.Copy(p.Header, ours)
	if rec := httpx.Find(p.q.w); rec != nil {
		for name, value := range rec.Defaults.Beside(p.Header) {
			p.Header[name] = []string{value}
		}
	}
}

// relay copies bytes, and then tells of their end; an error: the other direction has to end too.
func relay(to io.Writer, from io.Reader) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errClosed
}
