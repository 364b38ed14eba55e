package bridge

import (
	"fmt"
	"net/http"
	"strings"

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
	t.body = t.Spool.Take(httpx.ClientKey(t.info.RemoteAddr))
	if err := t.body.Fits(r.ContentLength); err != nil {
		return err
	}
	t.reader.Begin(t.w, r, t.BodyPace)
	if err := t.body.Fill(&t.reader, t.MaxBody); err != nil {
		return httpx.BodyError(err)
	}
	t.reader.Done()
	t.unread = false
	return nil
}

// smallRest is what net/http itself reads of a body that nobody wants, so that the
// connection can be used again; bytes.
const smallRest = 256 << 10

// refuse answers with a page while the client may still be sending its body. The
// connection lingers until it has the answer (bridge/nethttp, httpx.Linger).
func (t *turn) refuse(page func()) {
	if t.body != nil { // what it holds is not needed to say no
		t.body.Close()
		t.body = nil
	}
	if n := t.r.ContentLength; t.feed != nil || n < 0 || n > smallRest {
		t.w.Header()["Connection"] = []string{"close"}
	}
	page()
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
