package trace

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

const (
	someTrace = "12345678901234567890123456789012"
	someSpan  = "1234567890123456"
)

// The cases of the W3C's own test suite for traceparent, and some more.
func TestParse(t *testing.T) {
	const whole = someTrace + "-" + someSpan
	for s, want := range map[string]string{
		"00-" + whole + "-01":                              "01",
		"00-" + whole + "-00":                              "00",
		"00-" + whole + "-02":                              "02",
		"00-" + whole + "-ff":                              "03", // bits that nobody knows are not passed on
		"00-" + whole + "-08":                              "00",
		"cc-" + whole + "-01":                              "01",
		"cc-" + whole + "-01-what-the-future-will-be-like": "01",
		"01-" + whole + "-01-":                             "01",

		"cc-" + whole + "-01.what-the-future-will-be-like":         "",
		"00-" + whole + "-01.":                                     "",
		"00-" + whole + "-01-what-the-future-will-be-like":         "",
		"ff-" + whole + "-01":                                      "",
		"FF-" + whole + "-01":                                      "",
		"CC-" + whole + "-01":                                      "",
		".0-" + whole + "-01":                                      "",
		"0.-" + whole + "-01":                                      "",
		"000-" + whole + "-01":                                     "",
		"0000-" + whole + "-01":                                    "",
		"0-" + whole + "-01":                                       "",
		"00-00000000000000000000000000000000-" + someSpan + "-01":  "",
		"00-.2345678901234567890123456789012-" + someSpan + "-01":  "",
		"00-1234567890123456789012345678901.-" + someSpan + "-01":  "",
		"00-ABCDEF78901234567890123456789012-" + someSpan + "-01":  "",
		"00-123456789012345678901234567890123-" + someSpan + "-01": "",
		"00-1234567890123456789012345678901-" + someSpan + "-01":   "",
		"00-" + someTrace + "-0000000000000000-01":                 "",
		"00-" + someTrace + "-.234567890123456-01":                 "",
		"00-" + someTrace + "-123456789012345.-01":                 "",
		"00-" + someTrace + "-12345678901234567-01":                "",
		"00-" + someTrace + "-123456789012345-01":                  "",
		"00-" + whole + "-.0":                                      "",
		"00-" + whole + "-0.":                                      "",
		"00-" + whole + "-0A":                                      "",
		"00-" + whole + "-001":                                     "",
		"00-" + whole + "-1":                                       "",
		"00-" + whole + "-":                                        "",
		"00_" + whole + "_01":                                      "",
		" 00-" + whole + "-01":                                     "", // the way in has removed spaces
		"":                                                         "",
		"00":                                                       "",
		"00-" + strings.ReplaceAll(whole, "1", "\x00") + "-01":     "",
		"00-" + strings.Repeat("ä", 16) + "-" + someSpan + "-01":   "",
	} {
		c, ok := Parse(s)
		if ok != (want != "") {
			t.Errorf("%q: %v", s, ok)
		} else if ok && (c.String() != "00-"+whole+"-"+want || c.Trace.String() != someTrace || c.Span.String() != someSpan) {
			t.Errorf("%q: %s, %s, %s", s, c, c.Trace, c.Span)
		} else if !ok && c != (Context{}) {
			t.Errorf("%q: %+v", s, c)
		}
	}
}

func TestNewContext(t *testing.T) {
	seen := map[Context]bool{}
	for range 1000 {
		c := NewContext()
		back, ok := Parse(c.String())
		if seen[c] || !c.Valid() || c.Flags != Random || !ok || back != c {
			t.Fatal(c)
		}
		seen[c] = true
	}
}

// The cases of the W3C's own test suite for tracestate, and some more.
func TestState(t *testing.T) {
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, "bar"+string(rune('a'+i%26))+string(rune('a'+i/26))+"=1")
		}
		return list
	}
	whole := "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
	value := ""
	for c := ' '; c <= '~'; c++ {
		if c != ',' && c != '=' {
			value += string(c)
		}
	}
	z := func(n int) string { return strings.Repeat("z", n) }
	for _, c := range []struct {
		name string
		in   []string
		want string // "": none
	}{
		{"one", []string{"foo=1"}, "foo=1"},
		{"two", []string{"foo=1,bar=2"}, "foo=1,bar=2"},
		{"empty", []string{""}, ""},
		{"none", nil, ""},
		{"an empty one behind", []string{"foo=1", ""}, "foo=1,"},
		{"an empty one before", []string{"", "foo=1"}, ",foo=1"},
		{"several fields keep their order", []string{"foo=1,bar=2", "rojo=1,congo=2", "baz=3"}, "foo=1,bar=2,rojo=1,congo=2,baz=3"},
		{"twice the same", []string{"foo=1,foo=1"}, "foo=1,foo=1"},
		{"twice", []string{"foo=1,foo=2"}, "foo=1,foo=2"},
		{"twice in two fields", []string{"foo=1", "foo=2"}, "foo=1,foo=2"},
		{"all characters", []string{whole + "=" + value}, whole + "=" + value},
		{"all characters with a vendor", []string{whole + "@a-z0-9_-*/=" + value}, whole + "@a-z0-9_-*/=" + value},
		{"spaces", []string{"foo=1 \t , \t bar=2, \t baz=3"}, "foo=1 \t , \t bar=2, \t baz=3"},
		{"spaces around", []string{"\t foo=1 \t"}, "\t foo=1 \t"},
		{"a space in a value", []string{"foo= 1 2"}, "foo= 1 2"},
		{"a tab in a value", []string{"foo=1\t2"}, ""},
		{"a space in a key", []string{"foo =1"}, ""},
		{"large letters", []string{"FOO=1"}, ""},
		{"a dot", []string{"foo.bar=1"}, ""},
		{"a vendor alone", []string{"@foo=1,bar=2"}, ""},
		{"an at sign at the end", []string{"foo@=1,bar=2"}, "foo@=1,bar=2"}, // level 2
		{"two at signs", []string{"foo@@bar=1,bar=2"}, "foo@@bar=1,bar=2"},
		{"a digit first", []string{"0foo=1"}, "0foo=1"},
		{"an underscore first", []string{"_foo=1"}, ""},
		{"32 members", []string{strings.Join(many(10), ","), strings.Join(many(32)[10:], ",")}, strings.Join(many(32), ",")},
		{"33 members", many(33), ""},
		{"a key of 256", []string{"foo=1", z(256) + "=1"}, "foo=1," + z(256) + "=1"},
		{"a key of 257", []string{"foo=1", z(257) + "=1"}, ""},
		{"a key with a vendor", []string{strings.Repeat("t", 242) + "@v=1"}, strings.Repeat("t", 242) + "@v=1"},
		{"a long vendor", []string{"t@" + strings.Repeat("v", 15) + "=1"}, "t@" + strings.Repeat("v", 15) + "=1"},
		{"a value of 256", []string{"foo=" + z(256)}, "foo=" + z(256)},
		{"a value of 257", []string{"foo=" + z(257)}, ""},
		{"two equals signs", []string{"foo=bar=baz"}, ""},
		{"no value", []string{"foo=,bar=3"}, ""},
		{"no equals sign", []string{"foo"}, ""},
		{"no key", []string{"=1"}, ""},
		{"a control byte", []string{"foo=\x00"}, ""},
		{"a large byte", []string{"foo=\xff"}, ""},
		{"commas", []string{",,,,"}, ""},
	} {
		if got := State(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSampler(t *testing.T) {
	for _, part := range []float64{-1, 0, 0.01, 0.5, 1, 2} {
		s, n := NewSampler(part), 0
		for range 20000 {
			if s.Takes(NewContext().Trace) {
				n++
			}
		}
		want := min(max(part, 0), 1)
		if got := float64(n) / 20000; math.Abs(got-want) > 0.02 || want == 0 && n > 0 || want == 1 && n < 20000 {
			t.Errorf("%v: %v", part, got)
		}
	}
	if (Sampler{}).Takes(ID{15: 1}) {
		t.Error("the zero Sampler takes one")
	}
	all := ID{}
	for i := range all {
		all[i] = 255
	}
	// https://opentelemetry.io/docs/specs/otel/trace/sdk/#probabilitysampler: the highest values are taken.
	if s := NewSampler(1e-9); !s.Takes(all) || s.Takes(ID{15: 1}) {
		t.Error("the rule is not OpenTelemetry's")
	}
}

type sink struct{ got []*Request }

func (s *sink) Apart(t *Request) { s.got = append(s.got, t) }

func TestRequest(t *testing.T) {
	var none *Request
	none.Add(Span{})
	none.Answered(time.Now())
	none.Fork().EndFork(time.Now(), time.Now(), 0, nil)
	none.LinkTo(nil)
	if none.Recording() {
		t.Error("nil records")
	}
	s := new(sink)
	c := NewContext()
	r := NewRequest(c, SpanID{1}, "foo=1", s)
	none.LinkTo(r)
	for range mostSpans + 3 {
		r.Add(Span{ID: NewSpanID()})
	}
	if len(r.Spans()) != mostSpans || r.Lost != 3 {
		t.Error(len(r.Spans()), r.Lost)
	}
	at := time.Now()
	r.Answered(at)
	r.Answered(at.Add(1))
	if r.Head != at {
		t.Error("the second head counts")
	}
	f := r.Fork()
	fault := errors.New("fault")
	f.EndFork(at, at.Add(2), 500, fault)
	if len(s.got) != 1 || s.got[0] != f || f.Trace != c.Trace || f.Parent != c.Span || f.Span == c.Span || f.State != "foo=1" {
		t.Fatalf("%+v", s.got)
	}
	if list := f.Spans(); len(list) != 1 || list[0].ID != f.Span || list[0].Phase != Fetching || list[0].Err != fault || list[0].Status != 500 {
		t.Errorf("%+v", list)
	}
	r.LinkTo(f)
	if r.Link != f.Context || !r.Link.Valid() {
		t.Error(r.Link)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00-" + someTrace + "-" + someSpan + "-01")
	f.Add("cc-" + someTrace + "-" + someSpan + "-01-x")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := Parse(s)
		if !ok {
			return
		}
		if len(s) < parentSize || !c.Valid() || c.Flags > 3 {
			t.Fatalf("%q: %+v", s, c)
		}
		out := c.String()
		if out[3:53] != s[3:53] {
			t.Errorf("%q became %q", s, out)
		}
		if back, ok := Parse(out); !ok || back != c {
			t.Errorf("%q: %v, then %v", s, c, back)
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add("foo=1", "bar=2")
	f.Add("", ",")
	f.Fuzz(func(t *testing.T, a, b string) {
		s := State([]string{a, b})
		if s == "" {
			return
		}
		if State([]string{s}) != s {
			t.Errorf("%q is not one itself", s)
		}
		if strings.ContainsAny(s, "\r\n\x00\x7f") || strings.Count(s, "=") > maxMembers {
			t.Errorf("%q", s)
		}
	})
}

func BenchmarkNewContext(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		_ = NewContext().String()
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	s := "00-" + someTrace + "-" + someSpan + "-01"
	for range b.N {
		c, _ := Parse(s)
		_ = c.String()
	}
}
