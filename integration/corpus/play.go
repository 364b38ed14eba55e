package corpus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// ProbeTarget and CanaryTarget name the request that follows a case: a probe must be answered, a canary must never run.
const (
	ProbeTarget  = "/probe"
	CanaryTarget = "/canary"
)

func follower(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: follower\r\nConnection: close\r\n\r\n"
}

// Playing says how a case is played.
type Playing struct {
	Dial func() (net.Conn, error)
	// Cuts are where the bytes of the case are cut: each part is written by a call of its own. nil: one write for all, the
	// follower included. Nagle's algorithm is off, so that each part is a segment unless the machine is busy.
	Cuts []int
	// Patience bounds the whole case.
	Patience time.Duration
	// Quiet, if not 0: a server that says nothing for so long waits for more bytes; the client closes its side then. A
	// server that keeps the rules is never quiet.
	Quiet time.Duration
}

// Outcome is what a server made of a case.
type Outcome struct {
	Answers []Got
	Interim []int // 1xx answers
	Waited  bool  // the server was quiet (Playing.Quiet)
	Closed  bool  // the connection was closed by the server
	Err     error // what is wrong with the answers themselves
}

// Got is one answer.
type Got struct {
	Status int
	Proto  string
	Close  bool // it says that the connection ends
	Echo   Echo // of a 200
	Text   string
}

// Play plays the case on a connection of its own, and the follower behind it.
func (c *Case) Play(p Playing) (o Outcome) {
	conn, err := p.Dial()
	if err != nil {
		return Outcome{Err: err}
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(p.Patience))
	interim := make(chan int, 8)
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(conn, p.Cuts, interim)
	}()
	in := &quietReader{conn: conn, quiet: p.Quiet, end: time.Now().Add(p.Patience)}
	o = c.answers(bufio.NewReader(in), interim)
	o.Waited = in.waited
	close(interim) // a writer that waits for a 100 that does not come ends
	_ = conn.SetDeadline(time.Now())
	<-written
	return o
}

// write sends the case and its follower. A server that refuses early may close meanwhile: its answer counts, no error here.
func (c *Case) write(conn net.Conn, cuts []int, interim <-chan int) {
	behind := ""
	if !c.Fin && !c.Slow() {
		target := ProbeTarget
		if c.End == Close {
			target = CanaryTarget
		}
		behind = follower(target)
	}
	at, cut := 0, 0
	for i, step := range c.Steps {
		bytes := step.Bytes
		if i == len(c.Steps)-1 {
			bytes += behind
		}
		for cut < len(cuts) && cuts[cut] < at+len(bytes) {
			if n := cuts[cut] - at; n > 0 {
				if _, err := io.WriteString(conn, bytes[:n]); err != nil {
					return
				}
				bytes, at = bytes[n:], at+n
			}
			cut++
		}
		if c.Fin && i == len(c.Steps)-1 { // its FIN is right behind it, on a busy machine too
			cork(conn)
		}
		if _, err := io.WriteString(conn, bytes); err != nil {
			return
		}
		at += len(bytes)
		if step.Await != 0 {
			if status, ok := <-interim; !ok || status != step.Await {
				return
			}
		}
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && c.Fin {
		_ = half.CloseWrite()
	}
}

// answers reads all answers until the server closes.
func (c *Case) answers(r *bufio.Reader, interim chan<- int) (o Outcome) {
	for {
		if _, err := r.Peek(1); err != nil {
			o.Closed = !errors.Is(err, os.ErrDeadlineExceeded)
			return o
		}
		method := c.method(len(o.Answers))
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			o.Err = fmt.Errorf("an answer that cannot be read: %w", err)
			return o
		}
		if resp.StatusCode < 200 {
			o.Interim = append(o.Interim, resp.StatusCode)
			select {
			case interim <- resp.StatusCode:
			default:
			}
			continue
		}
		body, err := io.ReadAll(resp.Body)
		g := Got{Status: resp.StatusCode, Proto: resp.Proto, Close: resp.Close, Text: string(body)}
		if err != nil && o.Err == nil {
			o.Err = fmt.Errorf("the body of a %d: %w", g.Status, err)
		}
		if g.Status == 200 && method != http.MethodHead && len(body) > 0 {
			if err := g.Echo.decode(body); err != nil && o.Err == nil {
				o.Err = fmt.Errorf("%.200q is no echo: %w", body, err)
			}
		}
		if o.Answers = append(o.Answers, g); len(o.Answers) > 100 {
			o.Err = errors.New("more than 100 answers")
			return o
		}
	}
}

// method is that of the n-th request, of which the answer's framing depends.
func (c *Case) method(n int) string {
	switch {
	case n < len(c.Want) && c.Want[n].Method != nil:
		return *c.Want[n].Method
	case n == 0 && strings.HasPrefix(c.Bytes(), "HEAD "):
		return http.MethodHead
	}
	return http.MethodGet
}

// quietReader reads from conn, and closes the client's side after a time without a byte.
type quietReader struct {
	conn   net.Conn
	quiet  time.Duration // 0: no limit
	end    time.Time
	waited bool
}

func (q *quietReader) Read(b []byte) (int, error) {
	if q.quiet == 0 || q.waited {
		return q.conn.Read(b)
	}
	_ = q.conn.SetReadDeadline(time.Now().Add(q.quiet))
	n, err := q.conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(q.end) {
		q.waited = true
		_ = q.conn.SetReadDeadline(q.end)
		if half, ok := q.conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
		return q.conn.Read(b)
	}
	return n, err
}
