//go:build unix

package http1

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
)

// busyLink is a connection on a machine that stands still after each SetReadDeadline until the deadline is over.
type busyLink struct{ link }

func (l busyLink) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		t = time.Unix(1, 0)
	}
	return l.link.SetReadDeadline(t)
}

// When the server stops, a request that has come is found, also where the deadline for it has passed before the server looks.
func TestLastLookOfABusyMachine(t *testing.T) {
	for _, served := range []int{0, 1} {
		client, nc := bridgetest.Pair(t)
		c := newConn(New(http.NotFoundHandler(), Options{}), nc)
		c.link, c.served = busyLink{c.link}, served
		if err := c.lastLook(); !isTimeout(err) {
			t.Errorf("nothing was sent: %v", err)
		}
		if _, err := io.WriteString(client, "GET"); err != nil {
			t.Fatal(err)
		}
		bridgetest.Until(t, "the bytes to come", func() bool { return c.lastLook() == nil })
		if got := string(c.s.in.buffered()); got != "GET" {
			t.Errorf("%q", got)
		}
		client.Close()
		c.s.free()
		bridgetest.Until(t, "the end to come", func() bool { return c.lastLook() == io.EOF })
	}
}
