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
	"github.com/standpipe/standpipe/bridge/upstream"
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
	head := upstream.Header(p.Fields)
	if want, got := protocolOf(q.r.Header), protocolOf(head); !strings.EqualFold(want, got) {
		q.fail(fmt.Errorf("the upstream changed to the protocol %q, and the client asked for %q", got, want))
		return
	}
	p.tunnelHead(head)
	conn, buf, err := http.NewResponseController(q.w).Hijack()
	if err != nil {
		q.fail(err)
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(q.ending, func() { back.Close() })
	defer stop()
	q.info.Status = p.Status // which goes past the Writer
	answer := &http.Response{StatusCode: p.Status, Status: fmt.Sprintf("%d %s", p.Status, p.Phrase), ProtoMajor: 1, ProtoMinor: 1, Header: head}
	if err = answer.Write(buf); err == nil {
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
func (p *response) tunnelHead(head http.Header) {
	delete(head, "X-Request-Id") // the one that the logs have
	ours := p.q.w.Header()
	httpx.Spell(ours, head)
	maps.Copy(head, ours)
	if p.q.rec != nil {
		for name, value := range p.q.rec.Defaults.Beside(head) {
			head[name] = []string{value}
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
