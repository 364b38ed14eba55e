package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/standpipe/standpipe/bridge/proxyproto"
)

type valueKey struct{}

// A transport of another protocol finds what the stages in front have put into the request's context, and the end is still the
// Ending's.
func TestMessageHasValues(t *testing.T) {
	from := (&http.Request{URL: &url.URL{}, Header: http.Header{}}).WithContext(context.WithValue(t.Context(), valueKey{}, "script"))
	for _, client := range []*proxyproto.Header{nil, {Authority: "a"}} {
		e := &Ending{}
		ctx := (&Request{From: from, Ending: e, URL: from.URL, Client: client}).message().Context()
		if ctx.Value(valueKey{}) != "script" {
			t.Error("the value is lost")
		}
		if h, _ := ctx.Value(clientKey{}).(*proxyproto.Header); h != client {
			t.Errorf("the client is %v", h)
		}
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		if ctx.Err() != nil || child.Err() != nil {
			t.Error("it has ended")
		}
		e.Cancel(errors.New("silent"))
		<-child.Done()
		if ctx.Err() == nil || context.Cause(ctx) == nil {
			t.Error("it has not ended")
		}
	}
}
