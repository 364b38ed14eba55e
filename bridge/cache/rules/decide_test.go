package rules

import (
	"testing"
	"time"
)

// TestDecide is RFC 9111 4, 4.2.4 and 5.2.1, and RFC 5861. The stored answer is fresh for a minute.
func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		fields  string // Cache-Control of the stored answer; it has an ETag, too
		request []string
		after   int // seconds
		purged  int // seconds; 0: it was not
		want    Action
		fwd     string
	}{
		"4 fresh":                               {"max-age=60", nil, 59, 0, Serve, ""},
		"4.2 at the end of its lifetime":        {"max-age=60", nil, 60, 0, Validate, "stale"},
		"4.2 stale":                             {"max-age=60", nil, 61, 0, Validate, "stale"},
		"5.2.2.4 no-cache":                      {"max-age=60, no-cache", nil, 0, 0, Validate, "stale"},
		"5.2.1.4 no-cache":                      {"max-age=60", []string{"Cache-Control", "no-cache"}, 0, 0, Validate, "request"},
		"5.4 Pragma":                            {"max-age=60", []string{"Pragma", "no-cache"}, 0, 0, Validate, "request"},
		"5.4 another Pragma":                    {"max-age=60", []string{"Pragma", "foo"}, 0, 0, Serve, ""},
		"5.4 Pragma beside Cache-Control":       {"max-age=60", []string{"Pragma", "no-cache", "Cache-Control", "foo"}, 0, 0, Serve, ""},
		"5.2.1.1 max-age":                       {"max-age=60", []string{"Cache-Control", "max-age=10"}, 10, 0, Serve, ""},
		"5.2.1.1 max-age, too old":              {"max-age=60", []string{"Cache-Control", "max-age=10"}, 11, 0, Validate, "request"},
		"5.2.1.1 max-age=0":                     {"max-age=60", []string{"Cache-Control", "max-age=0"}, 0, 0, Validate, "request"},
		"5.2.1.1 max-age that is no number":     {"max-age=60", []string{"Cache-Control", "max-age=x"}, 0, 0, Validate, "request"},
		"5.2.1.1 max-age, stale":                {"max-age=60", []string{"Cache-Control", "max-age=100"}, 61, 0, Validate, "stale"},
		"5.2.1.3 min-fresh":                     {"max-age=60", []string{"Cache-Control", "min-fresh=10"}, 50, 0, Serve, ""},
		"5.2.1.3 min-fresh, not fresh enough":   {"max-age=60", []string{"Cache-Control", "min-fresh=10"}, 51, 0, Validate, "request"},
		"5.2.1.3 min-fresh, stale":              {"max-age=60, stale-while-revalidate=60", []string{"Cache-Control", "min-fresh=1"}, 61, 0, Validate, "stale"},
		"5.2.1.3 min-fresh=0, stale":            {"max-age=60, stale-while-revalidate=60", []string{"Cache-Control", "min-fresh=0"}, 61, 0, Validate, "stale"},
		"5.2.1.3 min-fresh=0":                   {"max-age=60", []string{"Cache-Control", "min-fresh=0"}, 59, 0, Serve, ""},
		"5.2.1.2 max-stale":                     {"max-age=60", []string{"Cache-Control", "max-stale=10"}, 70, 0, Serve, ""},
		"5.2.1.2 max-stale, too stale":          {"max-age=60", []string{"Cache-Control", "max-stale=10"}, 71, 0, Validate, "stale"},
		"5.2.1.2 max-stale without a number":    {"max-age=60", []string{"Cache-Control", "max-stale"}, 7100, 0, Serve, ""},
		"5.2.1.2 max-stale that is no number":   {"max-age=60", []string{"Cache-Control", "max-stale=x"}, 61, 0, Validate, "stale"},
		"5.2.1.2 max-stale and max-age":         {"max-age=60", []string{"Cache-Control", "max-stale=60, max-age=65"}, 64, 0, Serve, ""},
		"5.2.2.2 must-revalidate and max-stale": {"max-age=60, must-revalidate", []string{"Cache-Control", "max-stale"}, 61, 0, Validate, "stale"},
		"5.2.2.8 proxy-revalidate":              {"max-age=60, proxy-revalidate", []string{"Cache-Control", "max-stale"}, 61, 0, Validate, "stale"},
		"5.2.2.10 s-maxage":                     {"s-maxage=60", []string{"Cache-Control", "max-stale"}, 61, 0, Validate, "stale"},
		"5.2.1.5 no-store, fresh":               {"max-age=60", []string{"Cache-Control", "no-store"}, 0, 0, Serve, ""},
		"5.2.1.7 only-if-cached, fresh":         {"max-age=60", []string{"Cache-Control", "only-if-cached"}, 0, 0, Serve, ""},
		"5.2.1.7 only-if-cached, stale":         {"max-age=60", []string{"Cache-Control", "only-if-cached"}, 61, 0, Refuse, "stale"},
		"5.2.1.7 only-if-cached and no-cache":   {"max-age=60", []string{"Cache-Control", "only-if-cached, no-cache"}, 0, 0, Refuse, "request"},
		"RFC 5861 3 while it is validated":      {"max-age=60, stale-while-revalidate=30", nil, 89, 0, ServeAndRevalidate, ""},
		"RFC 5861 3 too stale":                  {"max-age=60, stale-while-revalidate=30", nil, 90, 0, Validate, "stale"},
		"RFC 5861 3 must-revalidate":            {"max-age=60, stale-while-revalidate=30, must-revalidate", nil, 61, 0, Validate, "stale"},
		"RFC 5861 3 the client wants a new one": {"max-age=60, stale-while-revalidate=30", []string{"Cache-Control", "no-cache"}, 61, 0, Validate, "request"},
		"purged softly":                         {"max-age=60", nil, 20, 10, ServeAndRevalidate, ""},
		"purged softly, and stale by itself":    {"max-age=60", nil, 60, 10, Validate, "stale"},
		"purged softly, must-revalidate":        {"max-age=60, must-revalidate", nil, 20, 10, Validate, "stale"},
		"purged softly, max-stale":              {"max-age=60, must-revalidate", []string{"Cache-Control", "max-stale"}, 20, 10, Validate, "stale"},
		"purged softly when it was stale":       {"max-age=60", nil, 100, 90, Validate, "stale"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Settings{}
			q, r := get(), get(c.request...)
			terms := Read(&q, 200, head("Cache-Control", c.fields, "Etag", `"a"`), noon, noon, 0, s)
			if c.purged > 0 {
				terms.SoftPurged = noon.Add(time.Duration(c.purged) * time.Second)
			}
			d := Decide(&r, &terms, noon.Add(time.Duration(c.after)*time.Second), s)
			if d.Action != c.want || d.Fwd != c.fwd {
				t.Errorf("%v %q, not %v %q", d.Action, d.Fwd, c.want, c.fwd)
			}
			if d.Age != time.Duration(c.after)*time.Second {
				t.Errorf("age %v", d.Age)
			}
			without := terms
			without.ETag = ""
			if d := Decide(&r, &without, noon.Add(time.Duration(c.after)*time.Second), s); c.want == Validate && d.Action != Fetch {
				t.Errorf("without a validator: %v", d.Action)
			}
		})
	}
}

// An answer that says nothing of its freshness is for clients alone that nothing tells from one another.
func TestDecideWhoseAnswer(t *testing.T) {
	s := &Settings{IgnoreCookies: []string{"_ga"}}
	q := get()
	ruled, said := Read(&q, 200, nil, noon, noon, time.Minute, s), Read(&q, 200, head("Cache-Control", "max-age=60"), noon, noon, 0, s)
	for name, c := range map[string]struct {
		request []string
		ruled   Action
		said    Action
	}{
		"nobody":            {nil, Serve, Serve},
		"a cookie":          {[]string{"Cookie", "session=1"}, Fetch, Serve},
		"an ignored cookie": {[]string{"Cookie", "_ga=1"}, Serve, Serve},
		"authorization":     {[]string{"Authorization", "x"}, Fetch, Serve},
	} {
		r := ReadRequest("GET", head(c.request...), s)
		if d := Decide(&r, &ruled, noon, s); d.Action != c.ruled || StaleOnError(&r, &ruled, 500, noon, s) != (c.ruled == Serve) {
			t.Errorf("%s, by a rule: %+v", name, d)
		}
		if d := Decide(&r, &said, noon, s); d.Action != c.said {
			t.Errorf("%s, explicit: %+v", name, d)
		}
	}
}

// The 401 that a request without credentials has met is none for one with some.
func TestDecideChallenge(t *testing.T) {
	s := &Settings{ServeStale: time.Hour}
	plain, known := get(), ReadRequest("GET", head("Authorization", "x"), s)
	for name, c := range map[string]struct {
		q      *Request
		status int
		want   Action // of a request with Authorization
	}{
		"a challenge":                      {&plain, 401, Fetch},
		"a refusal":                        {&plain, 403, Serve},
		"a challenge for credentials, too": {&known, 401, Serve},
	} {
		terms := Read(c.q, c.status, head("Cache-Control", "public, max-age=60"), noon, noon, 0, s)
		if d := Decide(&plain, &terms, noon, s); d.Action != Serve {
			t.Errorf("%s, without credentials: %+v", name, d)
		}
		if d := Decide(&known, &terms, noon, s); d.Action != c.want || StaleOnError(&known, &terms, 500, noon, s) != (c.want == Serve) {
			t.Errorf("%s, with credentials: %+v", name, d)
		}
	}
}

// The operator may have clients' directives ignored.
func TestIgnoredDirectives(t *testing.T) {
	s := &Settings{IgnoreDirectives: true}
	for _, fields := range [][]string{{"Cache-Control", "no-cache, max-age=0, min-fresh=9, max-stale, stale-if-error=9"}, {"Pragma", "no-cache"}} {
		q := ReadRequest("GET", head(fields...), s)
		if want := get(); q != want {
			t.Errorf("%q: %+v", fields, q)
		}
	}
	if q := ReadRequest("GET", head("Cache-Control", "only-if-cached, no-store"), s); !q.OnlyIfCached || !q.NoStore {
		t.Errorf("%+v", q)
	}
}

// TestStaleOnError is RFC 5861 4 and RFC 9111 4.2.4. The stored answer is fresh for a minute.
func TestStaleOnError(t *testing.T) {
	for name, c := range map[string]struct {
		fields  string
		request string
		serve   time.Duration // serve_stale
		status  int
		after   int
		purged  int
		want    bool
	}{
		"4 within stale-if-error":                {"max-age=60, stale-if-error=30", "", 0, 503, 90, 0, true},
		"4 beyond stale-if-error":                {"max-age=60, stale-if-error=30", "", 0, 503, 91, 0, false},
		"4 nothing said":                         {"max-age=60", "", 0, 503, 61, 0, false},
		"4 500":                                  {"max-age=60, stale-if-error=30", "", 0, 500, 61, 0, true},
		"4 502":                                  {"max-age=60, stale-if-error=30", "", 0, 502, 61, 0, true},
		"4 504":                                  {"max-age=60, stale-if-error=30", "", 0, 504, 61, 0, true},
		"4 no response":                          {"max-age=60, stale-if-error=30", "", 0, 0, 61, 0, true},
		"4 404 is an answer":                     {"max-age=60, stale-if-error=30", "", 0, 404, 61, 0, false},
		"4 501 is an answer":                     {"max-age=60, stale-if-error=30", "", 0, 501, 61, 0, false},
		"4 the client's stale-if-error":          {"max-age=60", "stale-if-error=30", 0, 503, 61, 0, true},
		"4.2.4 must-revalidate":                  {"max-age=60, stale-if-error=30, must-revalidate", "", time.Hour, 503, 61, 0, false},
		"4.2.4 at the end of its lifetime":       {"max-age=60, must-revalidate", "", time.Hour, 503, 60, 0, false},
		"4.2.4 proxy-revalidate":                 {"max-age=60, proxy-revalidate", "", time.Hour, 0, 61, 0, false},
		"4.2.4 s-maxage":                         {"s-maxage=60", "", time.Hour, 0, 61, 0, false},
		"4.2.4 no-cache":                         {"max-age=60, no-cache", "", time.Hour, 0, 1, 0, false},
		"the operator's":                         {"max-age=60", "", time.Hour, 0, 3600, 0, true},
		"the operator's, beyond":                 {"max-age=60", "", time.Hour, 0, 3661, 0, false},
		"the operator's, the app does not":       {"max-age=60, stale-if-error=0", "", time.Hour, 0, 61, 0, false},
		"fresh, and the client wanted a new one": {"max-age=60, must-revalidate", "no-cache", 0, 503, 30, 0, true},
		"purged softly":                          {"max-age=60", "", 0, 503, 30, 10, true},
		"purged softly, and stale":               {"max-age=60", "", 0, 503, 61, 10, false},
		"purged softly, must-revalidate":         {"max-age=60, must-revalidate", "", 0, 503, 30, 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Settings{ServeStale: c.serve}
			q, r := get(), get()
			if c.request != "" {
				r = get("Cache-Control", c.request)
			}
			terms := Read(&q, 200, head("Cache-Control", c.fields, "Etag", `"a"`), noon, noon, 0, s)
			if c.purged > 0 {
				terms.SoftPurged = noon.Add(time.Duration(c.purged) * time.Second)
			}
			now := noon.Add(time.Duration(c.after) * time.Second)
			if got := StaleOnError(&r, &terms, c.status, now, s); got != c.want {
				t.Errorf("%v", got)
			}
			if d := Decide(&r, &terms, now, s); c.status == 503 && d.Action != ServeAndRevalidate && d.StaleIfError != c.want {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestDecideAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP[race]: the race detector allocates; make test runs this one without it, too")
	}
	s := &Settings{Codings: []string{"zstd", "br", "gzip"}, Languages: []string{"en", "de"}, IgnoreCookies: []string{"_ga*"}}
	request := head("Cache-Control", `no-cache="x", max-age=60, max-stale=10, foo="b,ar"`, "Cookie", "_ga=1; a=b", "Accept-Encoding", "gzip, deflate, br;q=0.5", "Accept-Language", "de-AT,de;q=0.9,en;q=0.5", "Foo", "1, 2")
	answer := head("Cache-Control", "max-age=60, stale-while-revalidate=10", "Etag", `"a"`, "Vary", "Cookie, Accept-Encoding, Accept-Language, Foo, Bar")
	q := ReadRequest("GET", request, s)
	terms := Read(&q, 200, answer, noon, noon, 0, s)
	list, _ := Selectors(answer, request, s)
	room := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() {
		q := ReadRequest("GET", request, s)
		d := Decide(&q, &terms, noon.Add(61*time.Second), s)
		if !Matches(list, request, s) || !StaleOnError(&q, &terms, 503, noon, s) {
			t.Fatal("no match")
		}
		AppendStatus(room, Report{Hit: true, TTL: d.TTL})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	s := &Settings{Codings: []string{"zstd", "br", "gzip"}}
	request := head("Accept-Encoding", "gzip, deflate, br, zstd", "Cache-Control", "max-age=60")
	answer := head("Cache-Control", "max-age=60", "Vary", "Accept-Encoding")
	q := ReadRequest("GET", request, s)
	terms := Read(&q, 200, answer, noon, noon, 0, s)
	list, _ := Selectors(answer, request, s)
	b.ReportAllocs()
	for b.Loop() {
		q := ReadRequest("GET", request, s)
		if !Matches(list, request, s) || Decide(&q, &terms, noon, s).Action != Serve {
			b.Fatal("no hit")
		}
	}
}
