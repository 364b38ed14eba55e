package content

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConditions(t *testing.T) {
	v := Validators{ETag: `"a,b"`}
	for list, want := range map[string][2]bool{`"a,b"`: {true, true}, `W/"a,b"`: {false, true}, `"x", "a,b"`: {true, true}, `*`: {true, true}, `"a`: {false, false}, `"c"`: {false, false}} {
		if v.matches([]string{list}, true) != want[0] || v.matches([]string{list}, false) != want[1] {
			t.Errorf("%s", list)
		}
	}
}

// A tag that was sent in its weak form, because the answer was compressed, counts in If-Match as the strong one.
func TestWeakenedTagInIfMatch(t *testing.T) {
	h := http.Header{"If-Match": {`W/"a"`}}
	if got := (Validators{ETag: `"a"`}).Evaluate(h); got != http.StatusPreconditionFailed {
		t.Errorf("a weak tag matched strongly: %d", got)
	}
	if got := (Validators{ETag: `"a"`, Weakened: true}).Evaluate(h); got != 0 {
		t.Errorf("our own weakened tag: %d", got)
	}
	if got := (Validators{ETag: `"b"`, Weakened: true}).Evaluate(h); got != http.StatusPreconditionFailed {
		t.Errorf("another one: %d", got)
	}
	if got := (Validators{ETag: `W/"a"`, Weakened: true}).Evaluate(h); got != http.StatusPreconditionFailed {
		t.Errorf("one that was weak from the beginning: %d", got)
	}
}

func TestEvaluate(t *testing.T) {
	at := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	before, after := at.Add(-time.Second).Format(http.TimeFormat), at.Add(time.Second).Format(http.TimeFormat)
	for _, c := range []struct {
		fields string
		want   int
	}{
		{"", 0},
		{`If-None-Match: "a"`, 304}, {`If-None-Match: "b"`, 0}, {`If-None-Match: "b", W/"a"`, 304}, {`If-None-Match: *`, 304},
		{`If-Match: "a"`, 0}, {`If-Match: "b"`, 412}, {`If-Match: "b"|If-None-Match: "a"`, 412}, {`If-Match: "a"|If-None-Match: "a"`, 304},
		{"If-Modified-Since: " + before, 0}, {"If-Modified-Since: " + after, 304}, {"If-Modified-Since: yesterday", 0},
		{"If-Unmodified-Since: " + before, 412}, {"If-Unmodified-Since: " + after, 0}, {"If-Unmodified-Since: " + after + `|If-None-Match: "a"`, 304},
		{`If-None-Match: "b"|If-Modified-Since: ` + after, 0}, {`If-Match: "a"|If-Unmodified-Since: ` + before, 0},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(c.fields, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Add(name, value)
			}
		}
		if got := (Validators{ETag: `"a"`, Modified: at}).Evaluate(h); got != c.want {
			t.Errorf("%s: %d, want %d", c.fields, got, c.want)
		}
	}
	if got := (Validators{}).Evaluate(http.Header{"If-None-Match": {""}}); got != 0 {
		t.Errorf("no tag: %d", got)
	}
}
