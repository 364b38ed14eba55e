package rules

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestVary is RFC 9111 4.1: which requests get the answer to another one.
func TestVary(t *testing.T) {
	coded := Settings{Codings: []string{"zstd", "br", "gzip"}}
	spoken := Settings{Languages: []string{"en", "de", "pt-BR"}}
	cookies := Settings{IgnoreCookies: []string{"_ga*", "theme"}}
	for name, c := range map[string]struct {
		settings  Settings
		vary      string
		answer    []string
		was, is   []string
		different bool
	}{
		"4.1 no Vary":                     {vary: "", was: []string{"Foo", "1"}, is: []string{"Foo", "2"}},
		"4.1 the same":                    {vary: "Foo", was: []string{"Foo", "1"}, is: []string{"Foo", "1"}},
		"4.1 another value":               {vary: "Foo", was: []string{"Foo", "1"}, is: []string{"Foo", "2"}, different: true},
		"4.1 the stored one had none":     {vary: "Foo", is: []string{"Foo", "1"}, different: true},
		"4.1 the request has none":        {vary: "Foo", was: []string{"Foo", "1"}, different: true},
		"4.1 an empty field is not none":  {vary: "Foo", was: []string{"Foo", ""}, different: true},
		"4.1 two empty fields":            {vary: "Foo", was: []string{"Foo", ""}, is: []string{"Foo", " "}},
		"4.1 both have none":              {vary: "Foo, Bar", was: []string{"Foo", "1"}, is: []string{"Foo", "1"}},
		"4.1 other fields":                {vary: "Foo", was: []string{"Foo", "1", "Other", "2"}, is: []string{"Foo", "1", "Other", "3"}},
		"4.1 one of three":                {vary: "Foo, Bar,Baz", was: []string{"Foo", "1", "Bar", "abc4", "Baz", "789"}, is: []string{"Foo", "1", "Bar", "abc", "Baz", "789"}, different: true},
		"4.1 names have no case":          {vary: "fOO", was: []string{"Foo", "1"}, is: []string{"Foo", "2"}, different: true},
		"4.1 values have one":             {vary: "Foo", was: []string{"Foo", "a"}, is: []string{"Foo", "A"}, different: true},
		"4.1 lines are combined":          {vary: "Foo", was: []string{"Foo", "1, 2"}, is: []string{"Foo", "1", "Foo", "2"}},
		"4.1 spaces around commas":        {vary: "Foo", was: []string{"Foo", "1,2"}, is: []string{"Foo", " 1, 2 "}},
		"4.1 spaces within a member":      {vary: "Foo", was: []string{"Foo", "1 2"}, is: []string{"Foo", "12"}, different: true},
		"4.1 spaces in a quoted string":   {vary: "Foo", was: []string{"Foo", `"1, 2"`}, is: []string{"Foo", `"1,2"`}, different: true},
		"4.1 a long value":                {vary: "Foo", was: []string{"Foo", strings.Repeat("a", 1000)}, is: []string{"Foo", strings.Repeat("a", 1000)}},
		"4.1 another long value":          {vary: "Foo", was: []string{"Foo", strings.Repeat("a", 1000)}, is: []string{"Foo", strings.Repeat("a", 999) + "b"}, different: true},
		"a comma of User-Agent":           {vary: "User-Agent", was: []string{"User-Agent", "a (b, c)"}, is: []string{"User-Agent", "a (b,c)"}, different: true},
		"Authorization":                   {vary: "Authorization", was: []string{"Authorization", "Basic a"}, is: []string{"Authorization", "Basic b"}, different: true},
		"the same Authorization":          {vary: "Authorization", was: []string{"Authorization", "Basic a"}, is: []string{"Authorization", "Basic a"}},
		"no Authorization":                {vary: "Authorization", is: []string{"Authorization", "Basic a"}, different: true},
		"Cookie":                          {vary: "Cookie", was: []string{"Cookie", "a=1; b=2"}, is: []string{"Cookie", "a=1;  b=2 ;"}},
		"another Cookie":                  {vary: "Cookie", was: []string{"Cookie", "a=1"}, is: []string{"Cookie", "a=2"}, different: true},
		"a comma of Cookie":               {vary: "Cookie", was: []string{"Cookie", "a=1, 2"}, is: []string{"Cookie", "a=1,2"}, different: true},
		"no Cookie":                       {vary: "Cookie", is: []string{"Cookie", "a=1"}, different: true},
		"ignored cookies":                 {settings: cookies, vary: "Cookie", was: []string{"Cookie", "_ga=1; a=1; theme=x"}, is: []string{"Cookie", "a=1"}},
		"ignored cookies alone":           {settings: cookies, vary: "Cookie", was: []string{"Cookie", "_gat=1"}},
		"a name that is like an ignored":  {settings: cookies, vary: "Cookie", was: []string{"Cookie", "themes=1"}, different: true},
		"a value that is like an ignored": {settings: cookies, vary: "Cookie", was: []string{"Cookie", "a=theme"}, is: []string{"Cookie", "a=_ga"}, different: true},

		"12.5.3 the same coding":                 {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip, deflate, br, zstd"}, is: []string{"Accept-Encoding", "zstd"}},
		"12.5.3 another coding":                  {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip"}, is: []string{"Accept-Encoding", "br"}, different: true},
		"12.5.3 weights":                         {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip"}, is: []string{"Accept-Encoding", "br;q=0.5, GZIP;q=0.9"}},
		"12.5.3 a coding that is refused":        {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "identity"}, is: []string{"Accept-Encoding", "gzip;q=0, br;q=0"}},
		"12.5.3 identity is none":                {settings: coded, vary: "Accept-Encoding", was: nil, is: []string{"Accept-Encoding", "identity"}},
		"12.5.3 any":                             {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "*"}, is: []string{"Accept-Encoding", "zstd"}},
		"12.5.3 codings that the app has not":    {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "deflate"}},
		"12.5.3 the app has chosen the same":     {settings: coded, vary: "Accept-Encoding", answer: []string{"Content-Encoding", "GZIP"}, was: []string{"Accept-Encoding", "gzip, br;q=0.1"}, is: []string{"Accept-Encoding", "gzip"}},
		"12.5.3 the app has chosen none":         {settings: coded, vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip, br;q=0.1"}, is: []string{"Accept-Encoding", "gzip"}},
		"12.5.3 the app has chosen another":      {settings: coded, vary: "Accept-Encoding", answer: []string{"Content-Encoding", "br"}, was: []string{"Accept-Encoding", "gzip, br;q=0.1"}, is: []string{"Accept-Encoding", "gzip"}, different: true},
		"12.5.3 another, and the same request":   {settings: coded, vary: "Accept-Encoding", answer: []string{"Content-Encoding", "br"}, was: []string{"Accept-Encoding", "gzip, br;q=0.1"}, is: []string{"Accept-Encoding", "GZIP,br; q=0.1"}},
		"12.5.3 a coding that was not asked for": {settings: coded, vary: "Accept-Encoding", answer: []string{"Content-Encoding", "gzip"}, is: []string{"Accept-Encoding", "identity"}, different: true},
		"RFC 4647 the app has chosen another":    {settings: spoken, vary: "Accept-Language", answer: []string{"Content-Language", "en"}, was: []string{"Accept-Language", "de;q=0.9, en;q=0.8"}, is: []string{"Accept-Language", "de"}, different: true},
		"RFC 4647 the app has chosen the same":   {settings: spoken, vary: "Accept-Language", answer: []string{"Content-Language", "DE"}, was: []string{"Accept-Language", "de;q=0.9, en;q=0.8"}, is: []string{"Accept-Language", "de"}},
		"12.5.3 without a list: case, spaces":    {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "GZIP ;q=0.5,br"}, is: []string{"Accept-Encoding", "br , gzip; q=0.50"}},
		"12.4.2 a weight of three digits":        {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=0.019"}, is: []string{"Accept-Encoding", "GZIP;Q=0.019"}},
		"12.4.2 another in the third":            {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=0.019"}, is: []string{"Accept-Encoding", "gzip;q=0.018"}, different: true},
		"12.4.2 a weight that is none is 0":      {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=0.0199"}, is: []string{"Accept-Encoding", "gzip;q=0"}},
		"12.4.2 letters in a weight":             {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=0.a"}, is: []string{"Accept-Encoding", "gzip;q=0"}},
		"12.4.2 a weight above 1":                {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=2"}, is: []string{"Accept-Encoding", "gzip;q=0"}},
		"12.4.2 a weight of 1":                   {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip;q=1.000"}, is: []string{"Accept-Encoding", "gzip;x=1"}},
		"12.4.2 letters from A to Z":             {vary: "Accept-Language", was: []string{"Accept-Language", "AZ"}, is: []string{"Accept-Language", "az"}},
		"12.4.2 no more than letters":            {vary: "Accept-Language", was: []string{"Accept-Language", "[@"}, is: []string{"Accept-Language", "{`"}, different: true},
		"12.5.3 without a list":                  {vary: "Accept-Encoding", was: []string{"Accept-Encoding", "gzip"}, is: []string{"Accept-Encoding", "gzip;q=0"}, different: true},

		"12.5.4 case":                     {vary: "Accept-Language", was: []string{"Accept-Language", "en, de"}, is: []string{"Accept-Language", "eN, De"}},
		"12.5.4 spaces":                   {vary: "Accept-Language", was: []string{"Accept-Language", "en, de"}, is: []string{"Accept-Language", " en ,   de"}},
		"12.5.4 weights put in order":     {vary: "Accept-Language", was: []string{"Accept-Language", "en;q=0.5, de"}, is: []string{"Accept-Language", "de;q=1.0, en;q=0.5"}},
		"12.5.4 order of equal weights":   {vary: "Accept-Language", was: []string{"Accept-Language", "en, de"}, is: []string{"Accept-Language", "de, en"}, different: true},
		"12.5.4 another weight":           {vary: "Accept-Language", was: []string{"Accept-Language", "en;q=0.5, de"}, is: []string{"Accept-Language", "en;q=0.4, de"}, different: true},
		"12.5.4 too many members":         {vary: "Accept-Language", was: []string{"Accept-Language", strings.Repeat("a,", maxWeighted+1)}, is: []string{"Accept-Language", strings.Repeat("a,", maxWeighted+2)}, different: true},
		"RFC 4647 the best":               {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "fr;q=0.5, de;q=1.0"}, is: []string{"Accept-Language", "de"}},
		"RFC 4647 the first of two":       {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "de, en"}, is: []string{"Accept-Language", "de"}},
		"RFC 4647 a subtag of several":    {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "de-Latn-AT"}, is: []string{"Accept-Language", "de"}},
		"RFC 4647 a region":               {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "de-AT,de;q=0.9"}, is: []string{"Accept-Language", "DE"}},
		"RFC 4647 a region that there is": {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "pt"}, is: []string{"Accept-Language", "pt-br"}},
		"RFC 4647 not a longer word":      {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "den"}, is: []string{"Accept-Language", "de"}, different: true},
		"RFC 4647 none: the default":      {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "fr"}, is: nil},
		"RFC 4647 any: the default":       {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "*, de;q=0.5"}, is: nil},
		"RFC 4647 a language refused":     {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "de;q=0"}, is: nil},
		"RFC 4647 another":                {settings: spoken, vary: "Accept-Language", was: []string{"Accept-Language", "de"}, is: []string{"Accept-Language", "en"}, different: true},
	} {
		t.Run(name, func(t *testing.T) {
			list, all := Selectors(head(append(c.answer, "Vary", c.vary)...), head(c.was...), &c.settings)
			if all {
				t.Fatal("it is for no request")
			}
			if Matches(list, head(c.is...), &c.settings) == c.different {
				t.Errorf("%q: %q", c.is, list)
			}
			if !Matches(list, head(c.was...), &c.settings) {
				t.Errorf("%q does not match itself: %q", c.was, list)
			}
		})
	}
}

// What is stored of a request's fields has neither secrets in it nor much length.
func TestSelectorsKeepNoSecret(t *testing.T) {
	request := head("Cookie", "session=secret", "Authorization", "Bearer secret", "X-Long", strings.Repeat("secret", 100))
	list, _ := Selectors(head("Vary", "cookie, authorization, x-long, X-Long"), request, &Settings{})
	if len(list) != 3 {
		t.Fatalf("%q", list)
	}
	for _, s := range list {
		if strings.Contains(s.Value, "secret") || len(s.Value) > 64 || s.Name != http.CanonicalHeaderKey(s.Name) {
			t.Errorf("%q", s)
		}
	}
}

func TestVaryIsForNoOther(t *testing.T) {
	for _, vary := range []string{"*", "*, *", ", *", "*, Foo", "Foo, *", "a b", "a\"b", strings.Repeat("a, ", MaxVary+1)} {
		if _, all := Selectors(head("Vary", vary), head(), &Settings{}); !all {
			t.Errorf("Vary: %s", vary)
		}
	}
}

func FuzzVary(f *testing.F) {
	f.Add("Foo, Cookie", "1, 2", "a=b; c=d", "gzip;q=0.5, br", "1,2")
	f.Add("accept-encoding, Accept-Language", `"a, b`, ";;=", "*;q=0", "de;q=1.000,")
	f.Fuzz(func(t *testing.T, vary, foo, cookie, accept, other string) {
		s := &Settings{Codings: []string{"br", "gzip"}, IgnoreCookies: []string{"_*"}}
		if len(foo)%2 == 0 {
			s.Codings, s.Languages = nil, []string{"en", "de"}
		}
		answer := head("Vary", vary, "Content-Encoding", other)
		one := http.Header{"Foo": {foo}, "Cookie": {cookie}, "Accept-Encoding": {accept}, "Accept-Language": {accept}}
		two := http.Header{"Foo": {other}, "Cookie": {other}, "Accept-Encoding": {other}, "Accept-Language": {other}}
		list, all := Selectors(answer, one, s)
		if all {
			return
		}
		if len(list) > MaxVary || !Matches(list, one, s) {
			t.Fatalf("%q does not match itself: %q", one, list)
		}
		if again, _ := Selectors(head("Vary", vary), two, s); other != "" && slices.ContainsFunc(list, func(x Selector) bool { return strings.HasPrefix(x.Value, "\x02") }) {
			return
		} else if Matches(list, two, s) != slices.Equal(list, again) {
			t.Errorf("%q and %q", list, again)
		}
		if Matches(list, http.Header{}, s) && slices.ContainsFunc(list, func(x Selector) bool { return x.Name == "Foo" }) {
			t.Errorf("%q matches a request without fields", list)
		}
	})
}
