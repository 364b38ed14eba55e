package chain

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func TestHold(t *testing.T) {
	failure := errors.New("the code is broken")
	for name, c := range map[string]struct {
		err    error
		leaves bool
		status int
		body   string
	}{
		"it serves":      {status: 200, body: "app"},
		"it is broken":   {err: failure, status: 503, body: "page"},
		"a client left":  {err: context.Canceled, leaves: true, status: httpx.StatusClientGone},
		"it still boots": {err: context.DeadlineExceeded, status: 503, body: "page"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h := Hold(HoldOptions{
				Await: func(context.Context) error {
					if c.leaves {
						cancel()
					}
					return c.err
				},
				Fail: func(w http.ResponseWriter, _ *http.Request, err error) {
					if !errors.Is(err, c.err) {
						t.Errorf("%v", err)
					}
					w.WriteHeader(503)
					_, _ = w.Write([]byte("page"))
				},
			})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("app")) }))
			out := httptest.NewRecorder()
			rec := new(httpx.Writer)
			rec.Reset(out)
			h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if c.leaves {
				if !rec.Aborted() || rec.Info.Status != c.status {
					t.Errorf("status %d, aborted %v", rec.Info.Status, rec.Aborted())
				}
			} else if out.Code != c.status || out.Body.String() != c.body {
				t.Errorf("%d %q", out.Code, out.Body)
			}
		})
	}
}
