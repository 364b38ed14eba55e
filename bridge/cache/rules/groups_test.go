package rules

import (
	"slices"
	"strings"
	"testing"
)

// TestGroups is RFC 9875 2, and its elder relatives.
func TestGroups(t *testing.T) {
	for name, c := range map[string]struct {
		fields []string
		want   []string
	}{
		"2 none":                        {nil, nil},
		"2 a list of strings":           {[]string{"Cache-Groups", `"eurovision-results", "kylie-minogue"`}, []string{"eurovision-results", "kylie-minogue"}},
		"2 several lines":               {[]string{"Cache-Groups", `"a"`, "Cache-Groups", `"b", "a"`}, []string{"a", "b"}},
		"2 parameters":                  {[]string{"Cache-Groups", `"a";revalidate, "b"`}, []string{"a", "b"}},
		"2 case counts":                 {[]string{"Cache-Groups", `"a", "A"`}, []string{"a", "A"}},
		"2 members of other types":      {[]string{"Cache-Groups", `"a", b, 1, ("c")`}, []string{"a"}},
		"2 no list":                     {[]string{"Cache-Groups", `"a", "b`}, nil},
		"2 no list, and another":        {[]string{"Cache-Groups", `"a",`, "Surrogate-Key", "b"}, []string{"b"}},
		"2 an empty string":             {[]string{"Cache-Groups", `"", "a"`}, []string{"a"}},
		"Surrogate-Key":                 {[]string{"Surrogate-Key", "  a b\tc "}, []string{"a", "b", "c"}},
		"Cache-Tag":                     {[]string{"Cache-Tag", "a, b c ,,d"}, []string{"a", "b c", "d"}},
		"all of them":                   {[]string{"Cache-Groups", `"a"`, "Surrogate-Key", "a b", "Cache-Tag", "b,c"}, []string{"a", "b", "c"}},
		"another field's are no groups": {[]string{"Cache-Group-Invalidation", `"a"`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Groups(head(c.fields...)); !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
	if got := Groups(head("Cache-Groups", groupList(32, 32))); len(got) != 32 || len(got[31]) != 32 {
		t.Errorf("%d groups", len(got))
	}
	if got := Groups(head("Cache-Tag", strings.Repeat("a", MaxGroup+1)+",b")); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%d groups", len(got))
	}
	if got := InvalidatedGroups(head("Cache-Group-Invalidation", `"a", "b";x`, "Cache-Group-Invalidation", `"c"`)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%q", got)
	}
	if got := InvalidatedGroups(head("Cache-Groups", `"a"`, "Cache-Group-Invalidation", "a b")); got != nil {
		t.Errorf("%q", got)
	}
}
