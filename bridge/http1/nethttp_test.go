package http1

import (
	"io"
	"log"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/corpus"
)

// What net/http makes of the corpus: each difference is a row of DIFFERENCES.md with the clause.
func TestBesideNetHTTP(t *testing.T) {
	t.Parallel()
	cases, err := corpus.Read("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := corpus.Differences("DIFFERENCES.md", "net/http")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(corpus.Handler(nil, func(error) int { return 400 }))
	s.Config.MaxHeaderBytes = 60 << 10 // net/http adds 4 KiB
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	defer s.Close()
	for _, wrong := range corpus.Compare(cases, rows, func(c *corpus.Case, quiet time.Duration) corpus.Outcome {
		return c.Play(corpus.Playing{Dial: func() (net.Conn, error) { return net.Dial("tcp", s.Listener.Addr().String()) }, Patience: 2 * time.Minute, Quiet: quiet})
	}) {
		t.Error(wrong)
	}
}
