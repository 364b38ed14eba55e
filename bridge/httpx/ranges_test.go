package httpx

import (
	"net/http"
	"testing"
)

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=1-,3-4", "bytes=99999999999999999999-", "bytes=--1", "=", "bytes=1-0"} {
		f.Add(s, int64(100))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		spans, _ := ParseRange(field, size, 64)
		sum := int64(0)
		for _, s := range spans {
			if s.Start < 0 || s.Length <= 0 || s.Start+s.Length > size {
				t.Errorf("%+v of %d", s, size)
			}
			sum += s.Length
		}
		if sum > size || len(spans) > 64 {
			t.Errorf("%d octets of %d in %d parts", sum, size, len(spans))
		}
	})
}

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
	if got := (Validators{ETag: `"a"`}).Judge(h); got != http.StatusPreconditionFailed {
		t.Errorf("a weak tag matched strongly: %d", got)
	}
	if got := (Validators{ETag: `"a"`, Weakened: true}).Judge(h); got != 0 {
		t.Errorf("our own weakened tag: %d", got)
	}
	if got := (Validators{ETag: `"b"`, Weakened: true}).Judge(h); got != http.StatusPreconditionFailed {
		t.Errorf("another one: %d", got)
	}
	if got := (Validators{ETag: `W/"a"`, Weakened: true}).Judge(h); got != http.StatusPreconditionFailed {
		t.Errorf("one that was weak from the beginning: %d", got)
	}
}
