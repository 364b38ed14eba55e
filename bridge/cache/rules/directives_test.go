package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func TestCacheControlGrammar(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  control
	}{
		"5.2 nothing":                            {nil, nothing()},
		"5.2 empty members":                      {[]string{"", " , ,", ",no-store,"}, with(func(c *control) { c.noStore = true })},
		"5.2 names have no case":                 {[]string{"MaX-aGe=3600"}, maxAge(3600)},
		"5.2 several lines":                      {[]string{"max-age=60", "no-store"}, with(func(c *control) { c.maxAge, c.noStore = time.Minute, true })},
		"5.2 quoted number":                      {[]string{`max-age="3600"`}, maxAge(3600)},
		"5.2 quoted number with escapes":         {[]string{`max-age="3\600"`}, maxAge(3600)},
		"5.2 number in single quotes":            {[]string{`max-age='3600'`}, maxAge(0)},
		"5.2 a directive in a quoted string":     {[]string{`extension="max-age=3600, no-store", max-age=1`}, maxAge(1)},
		"5.2 behind a quoted string":             {[]string{`max-age=1, extension="max-age=3600"`}, maxAge(1)},
		"5.2 quoted pair in a quoted string":     {[]string{`a="\", no-store", max-age=1`}, maxAge(1)},
		"5.2 a quoted string without end":        {[]string{`a="b, no-store`, "max-age=1"}, maxAge(1)},
		"5.2 space before =":                     {[]string{"max-age =3600"}, maxAge(0)},
		"5.2 space behind =":                     {[]string{"max-age= 3600"}, maxAge(0)},
		"5.2 tabs around commas":                 {[]string{"\tmax-age=60\t,\tpublic\t"}, with(func(c *control) { c.maxAge, c.public = time.Minute, true })},
		"5.2 what is no token does not hide":     {[]string{"@@@, no-store; x, max-age=1"}, with(func(c *control) { c.noStore, c.maxAge = true, time.Second })},
		"5.2 unknown directives":                 {[]string{"foobar, max-age=3600, a=b, c=\"d\""}, maxAge(3600)},
		"5.2 an argument where none belongs":     {[]string{"no-store=1, public=yes"}, with(func(c *control) { c.noStore, c.public = true, true })},
		"4.2.1 two: the lowest":                  {[]string{"max-age=1800, max-age=1"}, maxAge(1)},
		"4.2.1 two on two lines":                 {[]string{"max-age=1", "max-age=1800"}, maxAge(1)},
		"4.2.1 one is no number":                 {[]string{"max-age=1800, max-age=x"}, maxAge(0)},
		"4.2.1 letters":                          {[]string{"max-age=a3600"}, maxAge(0)},
		"4.2.1 letters behind":                   {[]string{"max-age=3600a"}, maxAge(0)},
		"1.2.2 negative":                         {[]string{"max-age=-3600"}, maxAge(0)},
		"1.2.2 a plus":                           {[]string{"max-age=+3600"}, maxAge(0)},
		"1.2.2 a fraction":                       {[]string{"max-age=3600.5"}, maxAge(0)},
		"1.2.2 no number":                        {[]string{"max-age"}, maxAge(0)},
		"1.2.2 an empty number":                  {[]string{`max-age="", public`}, with(func(c *control) { c.maxAge, c.public = 0, true })},
		"1.2.2 zeros in front":                   {[]string{"max-age=003600"}, maxAge(3600)},
		"1.2.2 2^31-1":                           {[]string{"max-age=2147483647"}, maxAge(1<<31 - 1)},
		"1.2.2 2^31":                             {[]string{"max-age=2147483648"}, maxAge(1 << 31)},
		"1.2.2 more than 2^31":                   {[]string{"max-age=99999999999"}, maxAge(1 << 31)},
		"1.2.2 more than 2^63":                   {[]string{"max-age=" + strings.Repeat("9", 100)}, maxAge(1 << 31)},
		"1.2.2 more than 2^31 and a letter":      {[]string{"max-age=99999999999x"}, maxAge(0)},
		"5.2.2.4 no-cache":                       {[]string{"No-CaChE"}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 no-cache with names":            {[]string{`no-cache="a, b"`}, nothing()},
		"5.2.2.4 no-cache with a name":           {[]string{`no-cache=a`}, nothing()},
		"5.2.2.4 no-cache with no names":         {[]string{`no-cache=""`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 no-cache with no field's name":  {[]string{`no-cache="a, b c"`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 with names and without":         {[]string{`no-cache="a", no-cache`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 with names and without end":     {[]string{`no-cache="a`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 with more names than are taken": {[]string{`no-cache="` + strings.Repeat("a,", maxNames+1) + `"`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.7 private":                        {[]string{"private"}, with(func(c *control) { c.private = true })},
		"5.2.2.7 private with names":             {[]string{`private="set-cookie"`}, nothing()},
		"5.2.2.4 more names in several":          {[]string{`private="x", no-cache="` + strings.Repeat("a,", maxNames) + `"`}, with(func(c *control) { c.noCache = true })},
		"5.2.2.4 as many as are taken":           {[]string{`no-cache="` + strings.Repeat("a,", maxNames) + `"`}, nothing()},
		"5.2.2.7 private and something behind":   {[]string{`private x, private="a" b`}, with(func(c *control) { c.private = true })},
		"5.2.2.10 s-maxage":                      {[]string{"s-maxage=1, max-age=3600"}, with(func(c *control) { c.sMaxAge, c.maxAge = time.Second, time.Hour })},
		"5.2.2 the others": {[]string{"must-revalidate, proxy-revalidate, must-understand, public"}, with(func(c *control) {
			c.mustRevalidate, c.proxyRevalidate, c.understand, c.public = true, true, true, true
		})},
		"RFC 5861": {[]string{"stale-while-revalidate=5, stale-if-error=6, stale-if-error=7"}, with(func(c *control) { c.whileRevalidate, c.ifError = 5*time.Second, 6*time.Second })},
	} {
		t.Run(name, func(t *testing.T) {
			got := nothing()
			for d := range directives(c.lines) {
				got.add(&d)
			}
			got.names = 0
			if got != c.want {
				t.Errorf("%q: %+v, not %+v", c.lines, got, c.want)
			}
		})
	}
}

func with(change func(c *control)) control {
	c := nothing()
	change(&c)
	return c
}

func maxAge(n int) control {
	return with(func(c *control) { c.maxAge = time.Duration(n) * time.Second })
}

// TestTargetedFields is RFC 9213 2.1 and 2.2.
func TestTargetedFields(t *testing.T) {
	s := &Settings{Targeted: []string{"Standpipe-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"}}
	for name, c := range map[string]struct {
		fields   []string
		want     control
		targeted bool
	}{
		"2.2 none":                        {[]string{"Cache-Control", "max-age=60"}, maxAge(60), false},
		"2.2 the field counts alone":      {[]string{"Cache-Control", "no-store", "CDN-Cache-Control", "max-age=60"}, maxAge(60), true},
		"2.2 the first of the list":       {[]string{"CDN-Cache-Control", "no-store", "Standpipe-Cache-Control", "max-age=60"}, maxAge(60), true},
		"2.2 the first that is valid":     {[]string{"CDN-Cache-Control", "max-age=60", "Standpipe-Cache-Control", "max-age=1,"}, maxAge(60), true},
		"2.1 an empty one":                {[]string{"CDN-Cache-Control", "", "Cache-Control", "max-age=60"}, maxAge(60), false},
		"2.1 not a dictionary":            {[]string{"CDN-Cache-Control", "max-age=60;;", "Cache-Control", "no-store"}, with(func(c *control) { c.noStore = true }), false},
		"2.1 names in capital letters":    {[]string{"CDN-Cache-Control", "No-Store", "Cache-Control", "max-age=60"}, maxAge(60), false},
		"2.1 parameters are ignored":      {[]string{"CDN-Cache-Control", `max-age=60;a="b";c, no-store`}, with(func(c *control) { c.maxAge, c.noStore = time.Minute, true }), true},
		"2.1 unknown directives":          {[]string{"CDN-Cache-Control", `none`}, nothing(), true},
		"2.1 the last of two":             {[]string{"CDN-Cache-Control", `max-age=1, max-age=60`}, maxAge(60), true},
		"2.1 several lines":               {[]string{"CDN-Cache-Control", `max-age=60`, "CDN-Cache-Control", "no-store"}, with(func(c *control) { c.maxAge, c.noStore = time.Minute, true }), true},
		"2.1 a decimal":                   {[]string{"CDN-Cache-Control", `max-age=60.5`}, maxAge(0), true},
		"2.1 a string":                    {[]string{"CDN-Cache-Control", `max-age="60"`}, maxAge(0), true},
		"2.1 negative":                    {[]string{"CDN-Cache-Control", `max-age=-60`}, maxAge(0), true},
		"2.1 the largest integer":         {[]string{"CDN-Cache-Control", `max-age=999999999999999`}, maxAge(1 << 31), true},
		"2.1 too large an integer":        {[]string{"CDN-Cache-Control", `max-age=1000000000000000`}, nothing(), false},
		"2.1 false":                       {[]string{"CDN-Cache-Control", `no-store=?0, private=?1`}, with(func(c *control) { c.private = true }), true},
		"2.1 no-cache with names":         {[]string{"CDN-Cache-Control", `no-cache="a, b", private=c`}, nothing(), true},
		"2.1 no-cache with a number":      {[]string{"CDN-Cache-Control", `no-cache=1`}, with(func(c *control) { c.noCache = true }), true},
		"2.1 private with bytes":          {[]string{"CDN-Cache-Control", `private=:YQ==:`}, with(func(c *control) { c.private = true }), true},
		"2.1 no-cache with an inner list": {[]string{"CDN-Cache-Control", `no-cache=(a "b");c`}, with(func(c *control) { c.noCache = true }), true},
		"2.2 all that Cache-Control knows": {[]string{"CDN-Cache-Control", `s-maxage=1, stale-while-revalidate=2, stale-if-error=3, must-revalidate`}, with(func(c *control) {
			c.sMaxAge, c.whileRevalidate, c.ifError, c.mustRevalidate = time.Second, 2*time.Second, 3*time.Second, true
		}), true},

		"Surrogate-Control":                      {[]string{"Surrogate-Control", "MaX-aGe=3600", "Cache-Control", "no-store"}, maxAge(3600), true},
		"Surrogate-Control, no-store":            {[]string{"Surrogate-Control", "no-store", "Cache-Control", "max-age=60"}, with(func(c *control) { c.noStore = true }), true},
		"Surrogate-Control, more":                {[]string{"Surrogate-Control", `max-age=60+30, content="ESI/1.0"`}, with(func(c *control) { c.maxAge, c.whileRevalidate = time.Minute, 30*time.Second }), true},
		"Surrogate-Control, for another":         {[]string{"Surrogate-Control", "max-age=3600;cdn", "Cache-Control", "max-age=60"}, maxAge(60), false},
		"Surrogate-Control, nothing of it":       {[]string{"Surrogate-Control", `content="ESI/1.0"`, "Cache-Control", "max-age=60"}, maxAge(60), false},
		"Surrogate-Control, space before the =":  {[]string{"Surrogate-Control", "max-age =100"}, maxAge(0), true},
		"Surrogate-Control, behind the others":   {[]string{"Surrogate-Control", "max-age=1", "CDN-Cache-Control", "max-age=60"}, maxAge(60), true},
		"Surrogate-Control, too large a number":  {[]string{"Surrogate-Control", "max-age=99999999999"}, maxAge(1 << 31), true},
		"Surrogate-Control, unknown":             {[]string{"Surrogate-Control", "foobar, max-age=60"}, maxAge(60), true},
		"Surrogate-Control, quoted":              {[]string{"Surrogate-Control", `a="max-age=5, no-store;x", max-age=60`}, maxAge(60), true},
		"a targeted field that is not on a list": {[]string{"Other-Cache-Control", "no-store", "Cache-Control", "max-age=60"}, maxAge(60), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, targeted := governing(head(c.fields...), s)
			got.names = 0
			if got != c.want || targeted != c.targeted {
				t.Errorf("%q: %+v %v, not %+v", c.fields, got, targeted, c.want)
			}
		})
	}
	if got, targeted := governing(head("CDN-Cache-Control", "max-age=60"), &Settings{}); got != nothing() || targeted {
		t.Error("a field that the operator did not name counts")
	}
}

func TestReadRequest(t *testing.T) {
	plain := Request{Method: "GET", MaxAge: none, MinFresh: none, MaxStale: none, StaleIfError: none}
	for name, c := range map[string]struct {
		fields []string
		want   func(q *Request)
	}{
		"nothing":                  {nil, func(*Request) {}},
		"Range":                    {[]string{"Range", "bytes=0-1"}, func(q *Request) { q.Range = true }},
		"If-None-Match":            {[]string{"If-None-Match", "*"}, func(q *Request) { q.Conditional = true }},
		"If-Modified-Since":        {[]string{"If-Modified-Since", "x"}, func(q *Request) { q.Conditional = true }},
		"If-Match":                 {[]string{"If-Match", "*"}, func(q *Request) { q.Conditional = true }},
		"If-Unmodified-Since":      {[]string{"If-Unmodified-Since", "x"}, func(q *Request) { q.Conditional = true }},
		"If-Range":                 {[]string{"If-Range", "x"}, func(q *Request) { q.Conditional = true }},
		"Authorization":            {[]string{"Authorization", ""}, func(q *Request) { q.Authorization = true }},
		"Cookie":                   {[]string{"Cookie", "a=1"}, func(q *Request) { q.Cookie = true }},
		"Cookie of nothing":        {[]string{"Cookie", " ; "}, func(*Request) {}},
		"5.2.1.3 the highest":      {[]string{"Cache-Control", "min-fresh=5, min-fresh=9, min-fresh=7"}, func(q *Request) { q.MinFresh = 9 * time.Second }},
		"5.2.1.3 no number":        {[]string{"Cache-Control", "min-fresh=x, min-fresh=5 6"}, func(*Request) {}},
		"5.2.1.1 the lowest":       {[]string{"Cache-Control", "max-age=5", "Cache-Control", "Max-Age=3"}, func(q *Request) { q.MaxAge = 3 * time.Second }},
		"5.2.1.2 the lowest":       {[]string{"Cache-Control", "max-stale, max-stale=3"}, func(q *Request) { q.MaxStale = 3 * time.Second }},
		"RFC 5861":                 {[]string{"Cache-Control", "stale-if-error=3"}, func(q *Request) { q.StaleIfError = 3 * time.Second }},
		"5.2.1 in a quoted string": {[]string{"Cache-Control", `x="no-cache, no-store"`}, func(*Request) {}},
		"5.4 Pragma among others":  {[]string{"Pragma", "x, No-Cache"}, func(q *Request) { q.NoCache = true }},
		"5.4 Pragma with a value":  {[]string{"Pragma", `x="no-cache"`}, func(*Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := plain
			c.want(&want)
			if got := get(c.fields...); got != want {
				t.Errorf("%+v, not %+v", got, want)
			}
		})
	}
}

// same compares what two of them say.
func same(a, b control) bool {
	a.names, b.names = 0, 0
	return a == b
}

func FuzzCacheControl(f *testing.F) {
	for _, s := range []string{"max-age=60, no-cache=\"a, b\"", `private="a\"b", max-age="60"`, "max-age =1,,;", `x="`, `"`, `a="\`, "no-store"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		read := func(lines ...string) control {
			c := nothing()
			for d := range directives(lines) {
				if !httpx.IsToken(d.name) {
					t.Fatalf("%q has a member %q", line, d.name)
				}
				c.add(&d)
			}
			return c
		}
		c := read(line)
		if twice := read(line, line); c.names <= maxNames/2 && (twice.names != 2*c.names || !same(twice, c)) {
			t.Errorf("%q: %+v, twice %+v", line, c, twice)
		}
		for _, at := range []time.Duration{c.maxAge, c.sMaxAge, c.whileRevalidate, c.ifError} {
			if at < none || at > most {
				t.Errorf("%q: %v", line, at)
			}
		}
		if stricter := read(line, "no-store, max-age=0"); !stricter.noStore || stricter.maxAge != 0 {
			t.Errorf("%q hides the next line", line)
		}
		q := ReadRequest("GET", head("Cache-Control", line), &Settings{})
		if q.MaxStale > most || q.MinFresh > most {
			t.Errorf("%q: %+v", line, q)
		}
		w := WithheldOf(head("Cache-Control", line))
		if slices.Contains(w.named, "") || len(w.named) > maxNames {
			t.Errorf("%q: %q", line, w.named)
		}
		surrogate([]string{line})
	})
}
