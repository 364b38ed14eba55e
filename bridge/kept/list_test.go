package kept

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestEach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []int
		err  string // a part of it; empty: none
	}{
		{"", nil, ""}, {"[]", nil, ""}, {"[1,2]", []int{1, 2}, ""}, {" [ 1 ] ", []int{1}, ""},
		{"[1,2,3,4,5]", []int{1, 2, 3, 4}, "more than 4"},
		{"[1,", []int{1}, "broken"}, {"[1", []int{1}, "broken"}, {"[", nil, "broken"}, {" ", nil, "broken"}, {"{}", nil, "not a list"}, {"null", nil, "not a list"}, {"[1,}", []int{1}, "broken"},
		{`[1,"x",3]`, []int{1, 3}, "element 2"}, {"[1,123456789,3]", []int{1, 3}, "element 2"}, {"[1,-1,3]", []int{1, 3}, "negative"},
		{`["a","b","c","d"]`, nil, "1 further"},
	} {
		var got []int
		err := Each([]byte(c.text), 4, 5, func(n int) error {
			if n < 0 {
				return errors.New("negative")
			}
			got = append(got, n)
			return nil
		})
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte(`[{"a":[1]},"x",[[]]]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := Each(b, 3, 64, func(any) error { n++; return nil })
		if n > 3 {
			t.Errorf("%d elements", n)
		}
		if err != nil && len(err.Error()) > 4096 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
