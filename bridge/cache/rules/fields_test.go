package rules

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWithheld is RFC 9111 3.1.
func TestWithheld(t *testing.T) {
	h := head("A", "1", "B", "2", "C", "3", "D", "4", "E", "5", "F", "6", "Content-Type", "text/plain", "Content-Range", "x", "Set-Cookie", "a=b", "Set-Cookie", "c=d",
		"Connection", "a, close, @, cache-control", "Keep-Alive", "x", "Proxy-Connection", "x", "TE", "x", "Trailer", "x", "Transfer-Encoding", "chunked", "Upgrade", "x",
		"Proxy-Authenticate", "x", "Proxy-Authentication-Info", "x", "Proxy-Authorization", "x", "Age", "5", "Cache-Status", "x; hit", "Content-Length", "5",
		"Cache-Control", `max-age=60, no-cache="b", private="C, x"`, "CDN-Cache-Control", `no-cache="d", max-age=60`, "Standpipe-Cache-Control", `private=e`)
	w := WithheldOf(h)
	got := slices.DeleteFunc(slices.Sorted(maps.Keys(h)), w.Has)
	if want := []string{"Cache-Control", "Cdn-Cache-Control", "Content-Range", "Content-Type", "F", "Set-Cookie", "Standpipe-Cache-Control"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for name, want := range map[string]bool{"a": true, "B": true, "f": false, "transfer-ENCODING": true, "close": true, "Date": false} {
		if w.Has(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	if w := WithheldOf(head("Cache-Control", `no-cache, private="a b", no-cache="c`)); len(w.named) != 0 {
		t.Errorf("%q", w.named)
	}
}

// Names beyond a limit are not kept one by one.
func TestWithheldIsBounded(t *testing.T) {
	many := strings.Repeat("a, ", maxNames+1)
	w := WithheldOf(head("Connection", many))
	if !w.Has("Anything") {
		t.Error("Connection has too many names, and fields are stored")
	}
	if w = WithheldOf(head("Connection", many[3:], "Cache-Control", `private="`+many[3:]+`"`)); w.Has("Anything") || !w.Has("A") {
		t.Error("as many names as may be are too many")
	}
	w = WithheldOf(head("Cache-Control", `private="b", no-cache="`+many+`"`, "CDN-Cache-Control", `private="c"`))
	if !slices.Equal(w.named, []string{"B", "C"}) || w.Has("A") {
		t.Errorf("%q", w.named)
	}
}

// TestFreshen is RFC 9111 3.2.
func TestFreshen(t *testing.T) {
	stored := head("A", "1", "B", "2", "Date", at(0), "Cache-Control", "max-age=1", "Etag", `"a"`, "Content-Encoding", "gzip", "Content-Type", "text/plain", "Age", "9", "Set-Cookie", "a=b")
	fresh := head("A", "3", "C", "4", "Date", at(60), "Cache-Control", `max-age=60, no-cache="d"`, "D", "5", "Etag", `W/"a"`, "Content-Encoding", "br", "Content-Length", "0", "Content-Range", "x",
		"Content-Md5", "x", "Content-Type", "text/html", "Connection", "e", "E", "6", "Age", "7", "Set-Cookie", "a=c")
	before := stored.Clone()
	got := Freshen(stored, fresh)
	want := head("A", "3", "B", "2", "C", "4", "Date", at(60), "Cache-Control", `max-age=60, no-cache="d"`, "Etag", `"a"`, "Content-Encoding", "gzip", "Content-Type", "text/html", "Age", "7", "Set-Cookie", "a=c")
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%q", got)
	}
	if !maps.EqualFunc(stored, before, slices.Equal) {
		t.Error("the stored fields have changed")
	}
	got = Freshen(head("Date", at(0), "Age", "5"), head("Etag", `"new"`))
	if got["Date"] != nil || got["Age"] != nil || got.Get("Etag") != `"new"` {
		t.Errorf("%q", got)
	}
	for now, want := range map[string]string{"Accept-Language": "Accept-Encoding, Cookie, Accept-Language", "cookie": "Accept-Encoding, Cookie", "*": "Accept-Encoding, Cookie, *", "Accept-Encoding, Cookie": "Accept-Encoding, Cookie"} {
		if got := Freshen(head("Vary", "Accept-Encoding, Cookie"), head("Vary", now)); got.Get("Vary") != want {
			t.Errorf("a 304 with Vary: %s: %q", now, got)
		}
	}
	q, s := get(), &Settings{}
	terms := Read(&q, 200, Freshen(head("Date", at(-900), "Cache-Control", "max-age=60"), http.Header{}), noon, noon, 0, s)
	if terms.InitialAge != 0 || !terms.Storable {
		t.Errorf("a 304 without Date: %+v", terms)
	}
}

// A stored response does not grow with each 304.
func TestFreshenIsBounded(t *testing.T) {
	h := Freshen(nil, head("A", "1"))
	for i := range 2 * maxFields {
		h = Freshen(h, head("Date", at(0), fmt.Sprint("X-", i), "1", "A", fmt.Sprint(i)))
	}
	if len(h) > maxFields || h.Get("A") != fmt.Sprint(2*maxFields-1) || h.Get("X-0") != "1" {
		t.Errorf("%d fields", len(h))
	}
}

// TestHeadConfirms is RFC 9111 4.3.5.
func TestHeadConfirms(t *testing.T) {
	q := get()
	terms := Read(&q, 200, head("Etag", `"a"`, "Last-Modified", at(-60)), noon, noon, 0, &Settings{})
	for name, c := range map[string]struct {
		fresh []string
		want  bool
	}{
		"nothing":           {nil, true},
		"all the same":      {[]string{"Etag", `"a"`, "Last-Modified", at(-60), "Content-Length", "19"}, true},
		"another length":    {[]string{"Etag", `"a"`, "Content-Length", "18"}, false},
		"no length":         {[]string{"Content-Length", "x"}, false},
		"other bytes":       {[]string{"Content-Length", "1:"}, false},
		"a sign":            {[]string{"Content-Length", "+19"}, false},
		"another tag":       {[]string{"Etag", `"b"`}, false},
		"another date":      {[]string{"Last-Modified", at(-50)}, false},
		"an endless length": {[]string{"Content-Length", "99999999999999999999999999"}, false},
	} {
		if got := HeadConfirms(&terms, 19, head(c.fresh...)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestModified is RFC 9111 4.3.2: a date that If-Modified-Since is compared with, where the answer has none.
func TestModified(t *testing.T) {
	q := get()
	for _, c := range []struct {
		fields []string
		want   time.Time
	}{
		{[]string{"Last-Modified", at(-60), "Date", at(-30)}, noon.Add(-time.Minute)},
		{[]string{"Date", at(-30)}, noon.Add(-30 * time.Second)},
		{nil, noon},
	} {
		terms := Read(&q, 200, head(c.fields...), noon, noon.Add(time.Millisecond), 0, &Settings{})
		if got := terms.Modified(); !got.Equal(c.want) {
			t.Errorf("%q: %v", c.fields, got)
		}
	}
}
