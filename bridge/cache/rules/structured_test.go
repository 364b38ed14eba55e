package rules

import (
	"slices"
	"testing"
)

// TestStructuredFields is RFC 9651 4.2.
func TestStructuredFields(t *testing.T) {
	for name, c := range map[string]struct {
		s    string
		ok   bool
		want []string // the strings
	}{
		"3.1 empty":                     {"", true, nil},
		"3.1 a list":                    {`"a", "b" ,	"c"`, true, []string{"a", "b", "c"}},
		"3.1 a comma at the end":        {`"a",`, false, nil},
		"3.1 two commas":                {`"a",,"b"`, false, nil},
		"3.1 no comma":                  {`"a" "b"`, false, nil},
		"3.1.1 an inner list":           {`("a" 1 b);x, "c"`, true, []string{"c"}},
		"3.1.1 an empty inner list":     {`( ), "c"`, true, []string{"c"}},
		"3.1.1 without an end":          {`("a" `, false, nil},
		"3.1.1 without a space":         {`("a""b")`, false, nil},
		"3.1.2 parameters":              {`"a";x; y=1;z="q";u=?0;v=:YQ==:;w=@1;t=tok, "b"`, true, []string{"a", "b"}},
		"3.1.2 a parameter's name":      {`"a";X`, false, nil},
		"3.1.2 no value":                {`"a";x=`, false, nil},
		"3.3.1 integers":                {`1, -1, 0, 999999999999999`, true, nil},
		"3.3.1 too long":                {`1000000000000000`, false, nil},
		"3.3.1 a sign alone":            {`-`, false, nil},
		"3.3.2 decimals":                {`1.5, -0.123, 123456789012.1`, true, nil},
		"3.3.2 too long":                {`1234567890123.1`, false, nil},
		"3.3.2 too long a part":         {`1.1234`, false, nil},
		"3.3.2 no part":                 {`1.`, false, nil},
		"3.3.3 escapes":                 {`"a\"b\\c"`, true, []string{`a"b\c`}},
		"3.3.3 other escapes":           {`"a\n"`, false, nil},
		"3.3.3 without an end":          {`"a`, false, nil},
		"3.3.3 an escape at the end":    {`"a\`, false, nil},
		"3.3.3 bytes above ASCII":       {"\"\xc3\xa4\"", false, nil},
		"3.3.3 control bytes":           {"\"a\tb\"", false, nil},
		"3.3.4 tokens":                  {`a, *b, c/d:e`, true, nil},
		"3.3.5 bytes":                   {`:YWJj:, ::`, true, nil},
		"3.3.5 bytes without an end":    {`:YWJj`, false, nil},
		"3.3.5 other bytes":             {`:a-b:`, false, nil},
		"3.3.6 booleans":                {`?1, ?0`, true, nil},
		"3.3.6 no boolean":              {`?2`, false, nil},
		"3.3.7 a date":                  {`@1659578233`, true, nil},
		"3.3.7 a date with a part":      {`@1.5`, false, nil},
		"3.3.8 a display string":        {`%"f%c3%bc"`, true, nil},
		"3.3.8 no display string":       {`%a`, false, nil},
		"4.2 spaces around":             {`  "a"  `, true, []string{"a"}},
		"4.2 something that is nothing": {`!`, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			p := structured{s: c.s}
			ok := p.list(func(v *value) {
				if v.kind == kindString {
					got = append(got, v.text)
				}
			})
			if ok != c.ok || ok && !slices.Equal(got, c.want) {
				t.Errorf("%s: %v %q", c.s, ok, got)
			}
		})
	}
}

func FuzzStructured(f *testing.F) {
	for _, s := range []string{`"a", b;c=1`, `a=1, b=(1 "2");c, d`, `a=:YQ==:, b=@1, c=%"x"`, `-1.5`, `"\"`, `(`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := structured{s: s}
		if ok := p.list(func(v *value) {
			if v.n > 999_999_999_999_999 || v.n < -999_999_999_999_999 {
				t.Errorf("%q: %d", s, v.n)
			}
		}); ok && p.i != len(s) {
			t.Errorf("%q is a list until %d", s, p.i)
		}
		p = structured{s: s}
		if ok := p.dictionary(func(key string, _ *value) {
			if key == "" {
				t.Errorf("%q has a member without a name", s)
			}
		}); ok && p.i != len(s) {
			t.Errorf("%q is a dictionary until %d", s, p.i)
		}
		c, _ := dictionary([]string{s})
		if c.maxAge > most || c.maxAge < none {
			t.Errorf("%q: %v", s, c.maxAge)
		}
		for _, name := range InvalidatedGroups(head("Cache-Group-Invalidation", s)) {
			if name == "" || len(name) > MaxGroup {
				t.Errorf("%q has the group %q", s, name)
			}
		}
	})
}
