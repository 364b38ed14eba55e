package admin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMaintenanceOrders(t *testing.T) {
	t.Parallel()
	r := newRig()
	for _, c := range []struct {
		body string
		code int
	}{
		{`{"maintenance":{"allow":["10.0.0.0/8"],"page":"eA==","type":"text/html"},"seconds":60}`, http.StatusOK},
		{`{"app":"shop"}`, http.StatusOK}, {`{"app":"none"}`, http.StatusNotFound}, {`{"seconds":-1}`, http.StatusBadRequest}, {`{"seconds":1e12}`, http.StatusBadRequest},
		{`{"maintenance":{"allow":["x"]}}`, http.StatusBadRequest}, {`{"maintenance":{"page":"eA==","type":"\r\n"}}`, http.StatusBadRequest}, {`{"maintenance":{"retry_after":-1}}`, http.StatusBadRequest},
	} {
		if got := r.do("POST", "/v1/maintenance/on", c.body); got.Code != c.code {
			t.Errorf("%s: %d %s", c.body, got.Code, got.Body)
		}
	}
	if all := r.maintained.All(time.Now()); len(all) != 2 || all[0].Allow[0].String() != "10.0.0.0/8" || all[1].App != "shop" {
		t.Errorf("%+v", all)
	}
	// What was set is written before the answer, which says whether it outlives a restart.
	if got := r.do("POST", "/v1/maintenance/on", `{"app":"shop"}`).Body.String(); strings.Contains(got, "kept") {
		t.Error(got)
	}
	r.persists = true
	for path, body := range map[string]string{"/v1/maintenance/on": `{"app":"shop"}`, "/v1/maintenance/off": `{"app":"shop"}`, "/v1/deny": `{"network":"192.0.2.1"}`, "/v1/allow": `{"network":"192.0.2.1"}`} {
		if path == "/v1/allow" {
			r.do("POST", "/v1/deny", body)
		}
		r.done = nil
		if got := r.do("POST", path, body).Body.String(); !strings.Contains(got, `"kept":true`) || !slices.Contains(r.done, "persist") {
			t.Errorf("%s: %s %q", path, got, r.done)
		}
	}
	r.upgrading = true
	if got := r.do("POST", "/v1/maintenance/off", `{}`); got.Code != http.StatusConflict {
		t.Error(got.Code)
	}
	r.upgrading = false
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		if got := r.do("POST", "/v1/maintenance/off", `{}`); got.Code != want {
			t.Error(got.Code)
		}
	}
}
