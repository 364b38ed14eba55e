package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// Names on demand: a denial is remembered, the server that decides may be away, and each handshake that fails is counted by its reason.
func TestOnDemandCertificates(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	var asked, status atomic.Int32
	ask := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch {
		case status.Load() != 0:
			w.WriteHeader(int(status.Load()))
		case r.FormValue("domain") != "one.example.test" && r.FormValue("domain") != "two.example.test":
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer ask.Close()
	s := start(t, ca.options(t, "--acme-on-demand", "--acme-ask", ask.URL+"/allowed", "--acme-on-demand-rate", "1"))
	failures := func(reason string) float64 {
		return s.metrics("unix", s.controlSocket())[fmt.Sprintf(`standpipe_tls_handshake_failures_total{reason=%q}`, reason)]
	}
	counted := func(reason string, want float64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%v handshakes that failed with %s", want, reason), func() bool { return failures(reason) == want })
	}
	for range 5 {
		if ca.leaf("unknown.example.test") != nil {
			t.Error("a certificate for a name that is denied")
		}
	}
	counted("no_certificate", 5)
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	status.Store(http.StatusServiceUnavailable)
	if ca.leaf("one.example.test") != nil {
		t.Error("a certificate while nothing decides")
	}
	counted("not_issued", 1)
	if r := s.waitEvent("certificate_ask"); r.str("name") != "one.example.test" || !holds(r.str("error"), "503") {
		t.Error(r)
	}
	status.Store(0)
	refused := 1.0
	eventually(t, "it is asked again", func() bool {
		leaf := ca.leaf("one.example.test")
		if leaf == nil {
			refused++
		}
		return leaf != nil
	})
	if ca.leaf("two.example.test") != nil {
		t.Error("more certificates than acme_on_demand_rate")
	}
	counted("not_issued", refused+1)
	if r := s.waitEvent("certificate_limit"); r.str("name") != "two.example.test" {
		t.Error(r)
	}
	ask.Close()
	if ca.leaf("one.example.test") == nil {
		t.Error("a certificate that is there needs no server that decides")
	}
	if list := s.certs(); len(list) != 1 || time.Until(list[0].Next) < time.Hour {
		t.Errorf("%+v", list)
	}
}

// Without names on demand, a client that asks for an unknown name is counted.
func TestUnknownNameIsCounted(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	s := start(t, ca.options(t, "--https", "shop.example.test"))
	ca.issued(t, "shop.example.test")
	s.waitEvent("certificate_obtained") // the handshakes before it have been counted
	key := `standpipe_tls_handshake_failures_total{reason="no_certificate"}`
	before := s.metrics("unix", s.controlSocket())[key]
	if ca.leaf("other.example.test") != nil {
		t.Error("a certificate for another name")
	}
	eventually(t, "it is counted", func() bool { return s.metrics("unix", s.controlSocket())[key] == before+1 })
}
