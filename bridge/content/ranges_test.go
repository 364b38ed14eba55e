package content

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=1-,3-4", "bytes=99999999999999999999-", "bytes=--1", "=", "bytes=1-0"} {
		f.Add(s, int64(100))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		spans, _ := ParseRange(field, size)
		sum := int64(0)
		for i, s := range spans {
			if s.Start < 0 || s.Length <= 0 || s.Start+s.Length > size {
				t.Errorf("%+v of %d", s, size)
			}
			if !apart(s, spans[:i]) {
				t.Errorf("%+v overlaps in %+v", s, spans)
			}
			sum += s.Length
		}
		if sum > size || len(spans) > MaxRanges {
			t.Errorf("%d bytes of %d in %d parts", sum, size, len(spans))
		}
	})
}

func TestRanges(t *testing.T) {
	many := func(n int) string {
		return "bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", n), ",")
	}
	apart := func(n int) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf("%d-%d", 2*i, 2*i)
		}
		return "bytes=" + strings.Join(parts, ",")
	}
	for _, c := range []struct {
		method, field, ifRange string
		spans                  string
		err                    error
	}{
		{"GET", "bytes=0-0", "", "[{0 1}]", nil},
		{"GET", "bytes=990-", "", "[{990 10}]", nil},
		{"GET", "bytes=-7", "", "[{993 7}]", nil},
		{"GET", "bytes=-7000", "", "[{0 1000}]", nil},
		{"GET", "bytes=1-2, 5-99999999999999999999", "", "[{1 2} {5 995}]", nil},
		{"GET", "bytes=5-5,1-2,2000-", "", "[{5 1} {1 2}]", nil},
		{"GET", "bytes=1000-", "", "[]", ErrUnsatisfiable},
		{"GET", "bytes=-0", "", "[]", ErrUnsatisfiable},
		{"GET", "bytes=5-4", "", "[]", nil},
		{"GET", "bytes=a-", "", "[]", nil},
		{"GET", "bytes=+1-2", "", "[]", nil},
		{"GET", "bytes=1", "", "[]", nil},
		{"GET", "lines=1-2", "", "[]", nil},
		{"GET", "", "", "[]", nil},
		{"HEAD", "bytes=0-0", "", "[]", nil},
		{"GET", "bytes=0-5,3-8", "", "[]", nil},
		{"GET", "bytes=3-8,0-5", "", "[]", nil},
		{"GET", "bytes=0-0", `"tag"`, "[{0 1}]", nil},
		{"GET", "bytes=0-0", `W/"tag"`, "[]", nil},
		{"GET", "bytes=0-0", `"other"`, "[]", nil},
		{"GET", "bytes=0-0", "Thu, 01 Jan 2026 00:00:00 GMT", "[{0 1}]", nil},
		{"GET", "bytes=0-0", "Thu, 01 Jan 2026 00:00:01 GMT", "[]", nil},
		{"GET", many(2), "", "[]", nil},
		{"GET", apart(MaxRanges + 1), "", "[]", nil},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header["Range"], r.Header["If-Range"] = []string{c.field}, []string{c.ifRange}
		v := Validators{ETag: `"tag"`, Modified: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)}
		if spans, err := v.Ranges(r, 1000); fmt.Sprint(spans) != c.spans || err != c.err {
			t.Errorf("%+v: %v, %v", c, spans, err)
		}
	}
	if spans, err := ParseRange(apart(MaxRanges), 1000); len(spans) != MaxRanges || err != nil {
		t.Errorf("%d parts, %v", len(spans), err)
	}
	if spans, err := ParseRange("bytes=0-0", 0); spans != nil || err != nil {
		t.Errorf("of nothing: %v, %v", spans, err)
	}
}
