package bridge

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// takeBody reads the whole request body before a worker is taken, so that a slow
// client holds none, unless the app wants it as it comes. Refusals come first: net/http sends "100 Continue" at the
// first Read (RFC 9110 10.1.1), and a client that is refused need not upload.
func (t *turn) takeBody() error {
	r := t.r
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	t.unread = true
	if t.MaxBody > 0 && r.ContentLength > t.MaxBody {
		return fmt.Errorf("%w (%d octets declared, %d allowed)", httpx.ErrTooLarge, r.ContentLength, t.MaxBody)
	}
	if t.Unbuffered {
		t.stream = true // Acquire comes first, and refuses
		return nil
	}
	if err := t.Pool.Admit(); err != nil {
		return err
	}
	t.body = t.Spool.Take()
	if err := t.body.Reserve(r.ContentLength); err != nil { // -1 needs none
		return err
	}
	err := t.body.Fill(r.Body, t.MaxBody, t.onRead)
	if err != nil {
		return httpx.BodyError(err)
	}
	t.unread = false
	if t.BodyTimeout > 0 {
		_ = http.NewResponseController(t.w).SetReadDeadline(time.Time{})
	}
	return nil
}

// extend gives the client BodyTimeout from now on for its next octets.
func (t *turn) extend() {
	_ = http.NewResponseController(t.w).SetReadDeadline(time.Now().Add(t.BodyTimeout)) // not every server has one
}

// A client that is refused goes on sending until it has seen the answer. If the
// connection were closed on it, the reset could overtake the answer. So the rest
// is read and thrown away, for a while: RFC 9112 9.6.
const (
	lingerTotal   = 10 * time.Second
	lingerSilence = time.Second
	// What net/http itself reads so that the connection can be used again; octets.
	lingerLeast = 256 << 10
)

// refuse answers with a page while the client may still be sending its body.
func (t *turn) refuse(page func()) {
	r := t.r
	if t.body != nil { // what it holds is not needed to say no
		t.body.Close()
		t.body = nil
	}
	end := time.Now().Add(lingerTotal)
	rc := http.NewResponseController(t.w)
	again := t.feed == nil && r.ContentLength >= 0 && r.ContentLength <= lingerLeast && t.w.Header()["Connection"] == nil
	if r.ProtoMajor != 1 || again || rc.EnableFullDuplex() != nil {
		_ = rc.SetReadDeadline(end) // for what net/http reads after the answer
		page()
		return
	}
	t.w.Header()["Connection"] = []string{"close"}
	page()
	if rc.Flush() != nil || asksFirst(r) {
		return
	}
	buf := make([]byte, 32<<10)
	for now := time.Now(); now.Before(end); now = time.Now() {
		if rc.SetReadDeadline(now.Add(min(lingerSilence, end.Sub(now)))) != nil {
			return
		}
		if _, err := r.Body.Read(buf); err != nil {
			return
		}
	}
}

// asksFirst: the client waits for "100 Continue" and sends nothing without it.
func asksFirst(r *http.Request) bool {
	for _, v := range r.Header["Expect"] {
		if strings.EqualFold(strings.TrimSpace(v), "100-continue") {
			return true
		}
	}
	return false
}
