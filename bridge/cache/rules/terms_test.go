package rules

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// at is a date so many seconds after noon.
func at(seconds int) string {
	return noon.Add(time.Duration(seconds) * time.Second).Format(http.TimeFormat)
}

// TestLifetime is RFC 9111 4.2.1 and 4.2.2.
func TestLifetime(t *testing.T) {
	s := &Settings{Targeted: DefaultTargeted}
	for name, c := range map[string]struct {
		fields   []string
		status   int
		fallback time.Duration
		want     time.Duration
		explicit bool
	}{
		"4.2.1 max-age":                          {[]string{"Cache-Control", "max-age=60"}, 200, 0, time.Minute, true},
		"4.2.1 s-maxage before max-age":          {[]string{"Cache-Control", "max-age=60, s-maxage=1"}, 200, 0, time.Second, true},
		"4.2.1 a longer s-maxage":                {[]string{"Cache-Control", "max-age=0, s-maxage=60", "Expires", at(-10)}, 200, 0, time.Minute, true},
		"4.2.1 max-age before Expires":           {[]string{"Cache-Control", "max-age=60", "Expires", at(-7200)}, 200, 0, time.Minute, true},
		"4.2.1 max-age=0 before Expires":         {[]string{"Cache-Control", "max-age=0", "Expires", at(7200)}, 200, 0, 0, true},
		"4.2.1 max-age before a broken Expires":  {[]string{"Cache-Control", "max-age=60", "Expires", "0"}, 200, 0, time.Minute, true},
		"4.2.1 Expires without Date":             {[]string{"Expires", at(60)}, 200, 0, time.Minute, true},
		"4.2.1 Expires minus Date":               {[]string{"Date", at(-600), "Expires", at(60)}, 200, 0, 11 * time.Minute, true},
		"4.2.1 Expires before Date, both fast":   {[]string{"Date", at(400), "Expires", at(300)}, 200, 0, 0, true},
		"4.2.1 Expires is Date":                  {[]string{"Date", at(0), "Expires", at(0)}, 200, 0, 0, true},
		"4.2.1 Expires, and no date in Date":     {[]string{"Date", "foo", "Expires", at(10)}, 200, 0, 10 * time.Second, true},
		"4.2.1 two Expires":                      {[]string{"Expires", at(60), "Expires", at(10)}, 200, 0, 10 * time.Second, true},
		"5.3 Expires is 0":                       {[]string{"Expires", "0", "Last-Modified", at(-1000)}, 200, time.Hour, 0, true},
		"5.3 Expires is -1":                      {[]string{"Expires", "-1"}, 200, 0, 0, true},
		"5.3 Expires of another zone":            {[]string{"Expires", "Thu, 18 Aug 2050 02:01:18 AEST"}, 200, 0, 0, true},
		"5.3 Expires far away":                   {[]string{"Expires", "Mon, 21 Nov 2286 04:46:39 GMT"}, 200, 0, most, true},
		"5.4 Pragma says nothing":                {[]string{"Pragma", "no-cache", "Cache-Control", "max-age=60"}, 200, 0, time.Minute, true},
		"4.2.2 a tenth of the age":               {[]string{"Date", at(0), "Last-Modified", at(-1000)}, 200, 0, 100 * time.Second, false},
		"4.2.2 at most a day":                    {[]string{"Last-Modified", at(-1000 * 24 * 3600)}, 200, 0, 24 * time.Hour, false},
		"4.2.2 modified in the future":           {[]string{"Last-Modified", at(1000)}, 200, 0, 0, false},
		"4.2.2 no date":                          {[]string{"Last-Modified", "yesterday"}, 200, 0, 0, false},
		"4.2.2 404":                              {[]string{"Last-Modified", at(-1000)}, 404, 0, 100 * time.Second, false},
		"4.2.2 not 403":                          {[]string{"Last-Modified", at(-1000)}, 403, 0, 0, false},
		"4.2.2 not 599":                          {[]string{"Last-Modified", at(-1000)}, 599, 0, 0, false},
		"5.2.2.9 599 with public":                {[]string{"Last-Modified", at(-1000), "Cache-Control", "public"}, 599, 0, 100 * time.Second, false},
		"5.2.2.4 nothing is guessed of no-cache": {[]string{"Last-Modified", at(-1000), "Cache-Control", "no-cache"}, 200, time.Hour, 0, false},
		"a rule's lifetime":                      {nil, 403, time.Minute, time.Minute, false},
		"a rule's lifetime before the guess":     {[]string{"Last-Modified", at(-1000)}, 200, time.Hour, time.Hour, false},
		"an own lifetime before the rule's":      {[]string{"Cache-Control", "max-age=1"}, 200, time.Hour, time.Second, true},
		"RFC 9213 Expires is ignored":            {[]string{"CDN-Cache-Control", "none", "Expires", at(60)}, 200, 0, 0, false},
		"RFC 9213 a guess is none of Expires":    {[]string{"CDN-Cache-Control", "none", "Expires", at(60), "Last-Modified", at(-1000)}, 200, 0, 100 * time.Second, false},
		"5.1 an Age that is none":                {[]string{"Cache-Control", "max-age=60", "Age", "abc"}, 200, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			q := get()
			got := Read(&q, c.status, head(c.fields...), noon, noon, c.fallback, s)
			if got.Lifetime != c.want || got.Explicit != c.explicit || got.Heuristic != (!c.explicit && c.want > 0 && c.fallback == 0) {
				t.Errorf("%v %v %v", got.Lifetime, got.Explicit, got.Heuristic)
			}
		})
	}
}

// TestInitialAge is RFC 9111 4.2.3.
func TestInitialAge(t *testing.T) {
	for name, c := range map[string]struct {
		fields   []string
		delay    time.Duration // between request and response
		received time.Duration // after noon
		want     time.Duration
	}{
		"4.2.3 new":                            {nil, 0, 0, 0},
		"4.2.3 Age":                            {[]string{"Age", "30"}, 0, 0, 30 * time.Second},
		"4.2.3 the delay is added to Age":      {[]string{"Age", "30"}, 2 * time.Second, 0, 32 * time.Second},
		"4.2.3 the delay without Age":          {nil, 1500 * time.Millisecond, 0, 1500 * time.Millisecond},
		"4.2.3 the apparent age":               {[]string{"Date", at(-7200)}, 0, 0, 2 * time.Hour},
		"4.2.3 the higher one counts":          {[]string{"Date", at(-10), "Age", "25"}, 0, 0, 25 * time.Second},
		"4.2.3 a Date in the future":           {[]string{"Date", at(10), "Age", "15"}, 0, 0, 15 * time.Second},
		"4.2.3 Date has no parts of a second":  {[]string{"Date", at(0)}, 0, 900 * time.Millisecond, 0},
		"4.2.3 a Date that is none":            {[]string{"Date", "foo"}, 0, 0, 0},
		"1.2.2 Age beyond 2^31":                {[]string{"Age", "99999999999"}, 0, 0, most},
		"4.2.3 a clock that was set backwards": {nil, -time.Hour, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q := get()
			received := noon.Add(c.received)
			got := Read(&q, 200, head(c.fields...), received.Add(-c.delay), received, 0, &Settings{})
			if got.InitialAge != c.want {
				t.Errorf("%v, not %v", got.InitialAge, c.want)
			}
		})
	}
	terms := Terms{At: noon, InitialAge: most, Lifetime: most}
	if a := terms.Age(noon.Add(1<<63 - 1)); a <= 0 || terms.TTL(noon.Add(1<<63-1)) >= 0 {
		t.Errorf("the age overflows: %v", a)
	}
	if terms.Age(noon.Add(-time.Hour)) != most {
		t.Error("the age falls when the clock does")
	}
}

// TestStoring is RFC 9111 3.
func TestStoring(t *testing.T) {
	s := &Settings{Targeted: DefaultTargeted, SetCookie: []string{"lang", "pref_*"}, IgnoreCookies: []string{"_ga*"}}
	for name, c := range map[string]struct {
		method   string
		request  []string
		status   int
		fields   []string
		fallback time.Duration
		why      string
	}{
		"3 explicit":                               {"GET", nil, 200, []string{"Cache-Control", "max-age=60"}, 0, ""},
		"3 POST":                                   {"POST", nil, 200, []string{"Cache-Control", "max-age=60"}, 0, "method"},
		"3 HEAD":                                   {"HEAD", nil, 200, []string{"Cache-Control", "max-age=60"}, 0, "method"},
		"3 not final":                              {"GET", nil, 103, []string{"Cache-Control", "max-age=60"}, 0, "status"},
		"3 a status beyond 599":                    {"GET", nil, 600, []string{"Cache-Control", "max-age=60"}, 0, "status"},
		"3 unknown statuses":                       {"GET", nil, 299, []string{"Cache-Control", "max-age=60"}, 0, ""},
		"3 errors":                                 {"GET", nil, 503, []string{"Expires", at(60)}, 0, ""},
		"3.3 206":                                  {"GET", []string{"Range", "bytes=0-1"}, 206, []string{"Cache-Control", "max-age=60"}, 0, "status"},
		"3.3 a complete answer to Range":           {"GET", []string{"Range", "bytes=0-1"}, 200, []string{"Cache-Control", "max-age=60"}, 0, ""},
		"3 304":                                    {"GET", nil, 304, []string{"Cache-Control", "max-age=60"}, 0, "status"},
		"RFC 6585 429":                             {"GET", nil, 429, []string{"Cache-Control", "max-age=60"}, 0, "status"},
		"5.2.1.5 no-store of the request":          {"GET", []string{"Cache-Control", "No-Store"}, 200, []string{"Cache-Control", "max-age=60"}, 0, "request-no-store"},
		"5.2.2.5 no-store":                         {"GET", nil, 200, []string{"Cache-Control", "max-age=60, no-store"}, 0, "no-store"},
		"5.2.2.3 must-understand":                  {"GET", nil, 200, []string{"Cache-Control", "max-age=60, no-store, must-understand"}, 0, ""},
		"5.2.2.3 not understood":                   {"GET", nil, 599, []string{"Cache-Control", "max-age=60, must-understand"}, 0, "must-understand"},
		"5.2.2.7 private":                          {"GET", nil, 200, []string{"Cache-Control", "max-age=60, private"}, 0, "private"},
		"5.2.2.7 private fields":                   {"GET", nil, 200, []string{"Cache-Control", `max-age=60, private="x-user"`}, 0, ""},
		"5.2.2.7 private for others":               {"GET", nil, 200, []string{"Cache-Control", "private", "CDN-Cache-Control", "max-age=60"}, 0, ""},
		"3.5 Authorization":                        {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "max-age=60"}, 0, "authorization"},
		"3.5 Authorization and public":             {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "max-age=60, public"}, 0, ""},
		"3.5 Authorization and must-revalidate":    {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "max-age=60, must-revalidate"}, 0, ""},
		"3.5 Authorization and s-maxage":           {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "s-maxage=60"}, 0, ""},
		"3.5 Authorization and proxy-revalidate":   {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "max-age=60, proxy-revalidate"}, 0, "authorization"},
		"3.5 Authorization, public, a rule's":      {"GET", []string{"Authorization", "Basic x"}, 200, []string{"Cache-Control", "public"}, time.Minute, "authorization"},
		"4.1 Vary: *":                              {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Vary", "*"}, 0, "vary"},
		"4.1 Vary: Foo, *":                         {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Vary", "Foo, *"}, 0, "vary"},
		"4.1 Vary on two lines":                    {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Vary", "", "Vary", "*"}, 0, "vary"},
		"4.1 Vary with no field's name":            {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Vary", "a b"}, 0, "vary"},
		"4.1 too long a Vary":                      {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Vary", strings.Repeat("a,", MaxVary+1)}, 0, "vary"},
		"7.3 Set-Cookie":                           {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Set-Cookie", "session=1"}, 0, "set-cookie"},
		"7.3 Set-Cookie, allowed":                  {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Set-Cookie", "lang=de; Path=/", "Set-Cookie", "pref_a=1"}, 0, ""},
		"7.3 Set-Cookie, one is not allowed":       {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Set-Cookie", "lang=de", "Set-Cookie", "session=lang=1"}, 0, "set-cookie"},
		"5.2.2.4 Set-Cookie, which is not stored":  {"GET", nil, 200, []string{"Cache-Control", `max-age=60, no-cache="Set-Cookie"`, "Set-Cookie", "session=1"}, 0, ""},
		"7.3 Set-Cookie without a name":            {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Set-Cookie", "lang"}, 0, "set-cookie"},
		"3 says nothing":                           {"GET", nil, 200, nil, 0, "no-freshness"},
		"3 a validator is not enough":              {"GET", nil, 200, []string{"Etag", `"a"`}, 0, "no-freshness"},
		"3 no-cache and a validator":               {"GET", nil, 200, []string{"Etag", `"a"`, "Cache-Control", "no-cache"}, 0, ""},
		"3 no-cache without one":                   {"GET", nil, 200, []string{"Cache-Control", "no-cache, max-age=60"}, 0, "stale"},
		"3 stale, and a validator":                 {"GET", nil, 200, []string{"Last-Modified", at(-60), "Cache-Control", "max-age=0"}, 0, ""},
		"3 stale without one":                      {"GET", nil, 200, []string{"Cache-Control", "max-age=0"}, 0, "stale"},
		"3 too old":                                {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Age", "60"}, 0, "stale"},
		"RFC 5861 stale, and of use":               {"GET", nil, 200, []string{"Cache-Control", "max-age=0, stale-while-revalidate=60"}, 0, ""},
		"RFC 5861 stale, and of use when it fails": {"GET", nil, 200, []string{"Cache-Control", "max-age=0, stale-if-error=60"}, 0, ""},
		"5.2.2.2 stale, and of no use":             {"GET", nil, 200, []string{"Cache-Control", "max-age=0, stale-if-error=60, must-revalidate"}, 0, "stale"},
		"a rule's":                                 {"GET", nil, 200, nil, time.Minute, ""},
		"a rule's, and a cookie":                   {"GET", []string{"Cookie", "session=1"}, 200, nil, time.Minute, "cookie"},
		"a rule's, and an ignored cookie":          {"GET", []string{"Cookie", "_ga=1; _gat=2"}, 200, nil, time.Minute, ""},
		"a rule's, and Authorization":              {"GET", []string{"Authorization", "x"}, 200, nil, time.Minute, "authorization"},
		"a guess, and a cookie":                    {"GET", []string{"Cookie", "session=1"}, 200, []string{"Last-Modified", at(-1000)}, 0, "cookie"},
		"explicit, and a cookie":                   {"GET", []string{"Cookie", "session=1"}, 200, []string{"Cache-Control", "max-age=60"}, 0, ""},
		"RFC 9875 32 groups of 32 characters":      {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Cache-Groups", groupList(32, 32)}, 0, ""},
		"RFC 9875 more groups than are taken":      {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Cache-Groups", groupList(MaxGroups+1, 8)}, 0, "groups"},
		"RFC 9875 a longer name than is taken":     {"GET", nil, 200, []string{"Cache-Control", "max-age=60", "Surrogate-Key", strings.Repeat("a", MaxGroup+1)}, 0, "groups"},
	} {
		t.Run(name, func(t *testing.T) {
			q := ReadRequest(c.method, head(c.request...), s)
			got := Read(&q, c.status, head(c.fields...), noon, noon, c.fallback, s)
			if got.Why != c.why || got.Storable != (c.why == "") {
				t.Errorf("%q %v, not %q", got.Why, got.Storable, c.why)
			}
		})
	}
}

// The statuses whose rules are known are those of RFC 9110 15, and 426, 451 beside them.
func TestUnderstood(t *testing.T) {
	known := ""
	for status := 200; status < 600; status++ {
		if understood(status) {
			known += fmt.Sprint(status, " ")
		}
	}
	if known != "200 201 202 203 204 205 300 301 302 303 307 308 400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 421 422 426 451 500 501 502 503 504 505 " {
		t.Error(known)
	}
}

// What is stale when it comes is stored where the operator serves stale answers.
func TestStoredForTheFailure(t *testing.T) {
	q := get()
	for fields, want := range map[string]bool{"max-age=0": true, "max-age=0, stale-if-error=0": false, "max-age=0, must-revalidate": false, "no-cache": false} {
		if got := Read(&q, 200, head("Cache-Control", fields), noon, noon, 0, &Settings{ServeStale: time.Hour}); got.Storable != want {
			t.Errorf("%s: %q", fields, got.Why)
		}
	}
}

func FuzzTerms(f *testing.F) {
	f.Add("max-age=60", "10", at(0), at(60), at(-100), uint16(200), uint32(5))
	f.Add("no-cache, stale-if-error=9", "", "", "0", "", uint16(404), uint32(1<<31))
	f.Fuzz(func(t *testing.T, control, age, date, expires, modified string, status uint16, later uint32) {
		h := http.Header{}
		for name, v := range map[string]string{"Cache-Control": control, "Age": age, "Date": date, "Expires": expires, "Last-Modified": modified, "Cdn-Cache-Control": control} {
			if v != "" {
				h[name] = []string{v}
			}
		}
		s := &Settings{ServeStale: time.Hour, Targeted: DefaultTargeted}
		q := ReadRequest("GET", h, s)
		terms := Read(&q, int(status), h, noon, noon.Add(time.Second), 0, s)
		if terms.Lifetime < 0 || terms.Lifetime > most || terms.InitialAge < 0 || terms.InitialAge > most || terms.Storable != (terms.Why == "") {
			t.Fatalf("%v: %+v", h, terms)
		}
		now := noon.Add(time.Duration(later) * time.Second)
		d := Decide(&q, &terms, now, s)
		if d.Age < 0 || d.Age+d.TTL != terms.Lifetime {
			t.Errorf("%+v: %+v", terms, d)
		}
		if (d.Action == Serve || d.Action == ServeAndRevalidate) && (terms.NoCache || d.TTL <= 0 && terms.MustRevalidate) {
			t.Errorf("%+v: %+v", terms, d)
		}
	})
}

// groupList is a list of n strings of a length.
func groupList(n, length int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `"` + strings.Repeat("x", length-3) + string([]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)}) + `"`
	}
	return strings.Join(list, ", ")
}
