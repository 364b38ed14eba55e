package admin

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestPurgeOrders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body         string
		code         int
		done, answer string
	}{
		{`{"purge":{"urls":["/a","https://b/"],"prefixes":["/p"],"groups":["g"],"soft":true},"app":"shop"}`, http.StatusOK, "purge shop[/a https://b/] [/p] [g] false true", `{"removed":3}`},
		{`{"purge":{"all":true}}`, http.StatusOK, "purge [] [] [] true false", `{"removed":3}`},
		{`{"purge":{"all":true},"app":"none"}`, http.StatusNotFound, "", "no_such_app"},
		{`{}`, http.StatusBadRequest, "", "bad_purge"},
		{`{"purge":{"soft":true}}`, http.StatusBadRequest, "", "bad_purge"},
		{`{"purge":{"groups":[""]}}`, http.StatusBadRequest, "", "bad_purge"},
		{`{"purge":{"urls":["shop.example"]}}`, http.StatusBadRequest, "", "bad_purge"},
		{`{"purge":{"all":true,"groups":["g"]}}`, http.StatusBadRequest, "", "bad_purge"},
		{`{"purge":{"groups":["` + strings.Repeat(`g","`, 1024) + `g"]}}`, http.StatusBadRequest, "", "1025 URLs"},
		{`{"purge":{"groups":"g"}}`, http.StatusBadRequest, "", "bad_request"},
	} {
		r := newRig()
		got := r.do("POST", "/v1/purge", c.body)
		if got.Code != c.code || strings.Join(r.done, ",") != c.done || !strings.Contains(got.Body.String(), c.answer) {
			t.Errorf("%.80s: %d %s, done %q", c.body, got.Code, got.Body, r.done)
		}
		if c.code == http.StatusOK && !strings.Contains(r.log.String(), "purge=") {
			t.Errorf("%.80s: the log has %q", c.body, r.log.String())
		}
	}
	r := newRig()
	r.err = errors.New("redis does not answer")
	if got := r.do("POST", "/v1/purge", `{"purge":{"groups":["g"]}}`); got.Code != http.StatusServiceUnavailable || !strings.Contains(got.Body.String(), `"not_purged"`) ||
		!strings.Contains(got.Body.String(), "3 removed") || !strings.Contains(got.Body.String(), "redis does not answer") {
		t.Error(got.Code, got.Body)
	}
}
