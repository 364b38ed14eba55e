package rules

import (
	"testing"
	"time"
)

func TestDates(t *testing.T) {
	august := time.Date(2050, 8, 18, 2, 1, 18, 0, time.UTC)
	for name, c := range map[string]struct {
		s    string
		want time.Time // zero: it is no date
	}{
		"5.6.7 IMF-fixdate":              {"Thu, 18 Aug 2050 02:01:18 GMT", august},
		"5.6.7 RFC 850":                  {"Thursday, 18-Aug-50 02:01:18 GMT", august},
		"5.6.7 asctime":                  {"Thu Aug 18 02:01:18 2050", august},
		"5.6.7 asctime, one digit":       {"Mon Aug  8 02:01:18 2050", august.AddDate(0, 0, -10)},
		"5.6.7 RFC 850, within 50":       {"Thursday, 18-Aug-75 02:01:18 GMT", august.AddDate(25, 0, 0)},
		"5.6.7 RFC 850, beyond 50":       {"Thursday, 18-Aug-77 02:01:18 GMT", august.AddDate(-73, 0, 0)},
		"5.6.7 RFC 850, another zone":    {"Thursday, 18-Aug-50 02:01:18 CET", time.Time{}},
		"5.6.7 another zone":             {"Thu, 18 Aug 2050 02:01:18 AEST", time.Time{}},
		"5.6.7 UTC":                      {"Thu, 18 Aug 2050 02:01:18 UTC", time.Time{}},
		"5.6.7 a year of two digits":     {"Thu, 18 Aug 50 02:01:18 GMT", time.Time{}},
		"5.6.7 without a comma":          {"Thu 18 Aug 2050 02:01:18 GMT", time.Time{}},
		"5.6.7 other separators":         {"Thu, 18 Aug 2050 02.01.18 GMT", time.Time{}},
		"5.6.7 a day that is none":       {"Thu, 31 Feb 2050 02:01:18 GMT", time.Time{}},
		"5.6.7 spaces around":            {" Thu, 18 Aug 2050 02:01:18 GMT\t", august},
		"5.3 zero (RFC 9111)":            {"0", time.Time{}},
		"5.3 minus one (RFC 9111)":       {"-1", time.Time{}},
		"5.3 nothing (RFC 9111)":         {"", time.Time{}},
		"beyond what a date's length is": {"Thu, 18 Aug 2050 02:01:18 GMT" + string(make([]byte, 100)), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := date(c.s, noon)
			if ok == c.want.IsZero() || ok && !got.Equal(c.want) {
				t.Errorf("%q: %v %v", c.s, got, ok)
			}
		})
	}
	if at, ok := earliest([]string{"Thu, 18 Aug 2050 02:01:19 GMT", "Thu, 18 Aug 2050 02:01:18 GMT"}, noon); !ok || !at.Equal(august) {
		t.Errorf("the earliest of two is %v", at)
	}
	if _, ok := earliest([]string{"Thu, 18 Aug 2050 02:01:19 GMT", "0"}, noon); ok {
		t.Error("one of two is no date, and the field is one")
	}
}

func TestAge(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  int // seconds; -1: it is no age
	}{
		"5.1 none":                  {nil, 0},
		"5.1 a number":              {[]string{"7200"}, 7200},
		"5.1 spaces around":         {[]string{" 7200 "}, 7200},
		"5.1 letters":               {[]string{"abc"}, -1},
		"5.1 nothing":               {[]string{""}, -1},
		"5.1 negative":              {[]string{"-7200"}, -1},
		"5.1 a fraction":            {[]string{"7200.0"}, -1},
		"5.1 a parameter":           {[]string{"7200;foo=111"}, -1},
		"5.1 the first of a list":   {[]string{"7200,0"}, 7200},
		"5.1 the first, if it is 0": {[]string{"0,7200"}, 0},
		"5.1 one age twice":         {[]string{"0, 0"}, -1},
		"5.1 two lines":             {[]string{"0", "7200"}, -1},
		"1.2.2 too large":           {[]string{"99999999999999999999"}, 1 << 31},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := age(c.lines)
			if ok != (c.want >= 0) || ok && got != time.Duration(c.want)*time.Second {
				t.Errorf("%q: %v %v", c.lines, got, ok)
			}
		})
	}
}

func FuzzHTTPDate(f *testing.F) {
	for _, s := range []string{"Thu, 18 Aug 2050 02:01:18 GMT", "Thursday, 18-Aug-50 02:01:18 GMT", "Thu Aug 18 02:01:18 2050", "day, ", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := date(s, noon)
		if ok && (at.Year() < 0 || at.Year() > 9999) {
			t.Errorf("%q: %v", s, at)
		}
		if a, ok := age([]string{s}); ok && (a < 0 || a > most) {
			t.Errorf("%q: %v", s, a)
		}
	})
}
