package http1

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/integration/corpus"
)

// corpusServer serves corpus.Handler. bodyTime is how long a read of a body may wait; 0: no limit.
func corpusServer(t *testing.T, o Options, bodyTime time.Duration) (addr string) {
	t.Helper()
	echo := corpus.Handler(func(r *http.Request) {
		if r.RequestURI == corpus.CanaryTarget {
			t.Errorf("a canary ran: %s %s, %v", r.Method, r.RequestURI, r.Header)
		}
	}, statusOf)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bodyTime > 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		echo.ServeHTTP(w, r)
	})
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	g := listen.NewGroup(listen.Options{})
	done := make(chan error, 1)
	go func() { done <- g.Serve(ln, New(h, o)) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// statusOf is what a handler answers when a body cannot be read.
func statusOf(err error) int {
	var bad *Refusal
	switch {
	case errors.As(err, &bad):
		return bad.Status
	case isTimeout(err):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

func corpusCases(t testing.TB) []*corpus.Case {
	t.Helper()
	cases, err := corpus.Read("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

// playAll plays cases beside each other.
func playAll(t *testing.T, addr string, cases []*corpus.Case, cuts func(c *corpus.Case) []int) {
	var all sync.WaitGroup
	slots := make(chan bool, 32)
	for _, c := range cases {
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			at := cuts(c)
			o := c.Play(corpus.Playing{Dial: func() (net.Conn, error) { return net.Dial("tcp", addr) }, Cuts: at, Patience: 2 * time.Minute})
			if err := c.Check(o); err != nil {
				t.Errorf("%s (%s, %s; %d cuts): %v", c.Name, c.Place, c.Clause, len(at), err)
			}
		})
	}
	all.Wait()
}

// TestCorpus plays the corpus on real sockets: at once, byte by byte, and cut at random places.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var quick, short []*corpus.Case
	for _, c := range corpusCases(t) {
		if !c.Slow() {
			quick = append(quick, c)
			if len(c.Bytes()) < 500 {
				short = append(short, c)
			}
		}
	}
	addr := corpusServer(t, Options{HeaderTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute}, 0)
	t.Run("whole", func(t *testing.T) {
		playAll(t, addr, quick, func(*corpus.Case) []int { return nil })
	})
	t.Run("bytes", func(t *testing.T) {
		playAll(t, addr, short, func(c *corpus.Case) []int { return corpus.EachByte(len(c.Bytes())) })
	})
	t.Run("random", func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		for round := range uint64(3) {
			playAll(t, addr, quick, func(c *corpus.Case) []int {
				return corpus.Random(rand.New(rand.NewPCG(seed, round)), len(c.Bytes()), 5)
			})
		}
	})
}

// TestCorpusTimeouts plays the cases whose clients stop sending.
func TestCorpusTimeouts(t *testing.T) {
	t.Parallel()
	var slow []*corpus.Case
	for _, c := range corpusCases(t) {
		if c.Slow() {
			slow = append(slow, c)
		}
	}
	addr := corpusServer(t, Options{HeaderTimeout: shortTimeout, IdleTimeout: 2 * time.Minute}, shortTimeout)
	playAll(t, addr, slow, func(*corpus.Case) []int { return nil })
}

// bytesSource is a source whose client sends b in pieces of step bytes, and closes.
type bytesSource struct {
	have, rest []byte
	step       int
}

func (s *bytesSource) buffered() []byte { return s.have }
func (s *bytesSource) take(n int)       { s.have = s.have[n:] }

func (s *bytesSource) fill() error {
	if len(s.rest) == 0 {
		return io.EOF
	}
	n := min(s.step, len(s.rest))
	s.have, s.rest = append(s.have[:len(s.have):len(s.have)], s.rest[:n]...), s.rest[n:]
	return nil
}

func (s *bytesSource) readInto(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.have)
	s.take(n)
	return n, nil
}

// readChunked decodes the chunked body that b begins with, of a client that sends step bytes at a time.
func readChunked(b []byte, lim *limits, step int) (body, rest []byte, err error) {
	src := &bytesSource{rest: b, step: step}
	d := &chunks{maxFields: lim.fields}
	p := make([]byte, 7)
	for {
		n, err := d.read(src, p)
		body = append(body, p[:n]...)
		if errors.Is(err, io.EOF) {
			return body, append(src.have[:len(src.have):len(src.have)], src.rest...), nil
		}
		if err != nil {
			return body, nil, err
		}
	}
}
