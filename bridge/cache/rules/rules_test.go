package rules

import (
	"net/http"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// head makes a Header of names and values.
func head(fields ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return h
}

// get is a request without anything special.
func get(fields ...string) Request { return ReadRequest("GET", head(fields...), &Settings{}) }

func TestMainRoad(t *testing.T) {
	q, s := get(), &Settings{}
	terms := Read(&q, 200, head("Cache-Control", "max-age=60", "Age", "10"), noon, noon, 0, s)
	if !terms.Storable || terms.Lifetime != time.Minute || terms.InitialAge != 10*time.Second || !terms.Explicit {
		t.Fatalf("%+v", terms)
	}
	if d := Decide(&q, &terms, noon.Add(49*time.Second), s); d.Action != Serve || d.TTL != time.Second || d.Age != 59*time.Second {
		t.Errorf("%+v", d)
	}
	if d := Decide(&q, &terms, noon.Add(50*time.Second), s); d.Action != Fetch || d.Fwd != "stale" {
		t.Errorf("%+v", d)
	}
}
