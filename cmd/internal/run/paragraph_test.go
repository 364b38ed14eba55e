package run

import (
	"fmt"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// Every part keeps a line, warnings come before the second line of others, and the whole never has more lines than it may.
func TestShares(t *testing.T) {
	rows := func(n int) (out []row) {
		for i := range n {
			out = append(out, row{fmt.Sprint("l", i), "x"})
		}
		return out
	}
	rest := func(hidden []row) row { return row{"rest", fmt.Sprint(len(hidden))} }
	for apps := range 12 {
		for routes := range 6 {
			for warnings := range 6 {
				parts := []*part{
					{lines: rows(1)},
					{lines: rows(apps), rest: rest},
					{lines: rows(routes), more: moreIn("x")},
					{lines: rows(warnings), more: moreIn("y"), urgent: true},
				}
				got := shares(parts, 7)
				text := paragraph(parts, 7, terminal.Paint{})
				if n := strings.Count(text, "\n"); n > 7 || n != got[0]+got[1]+got[2]+got[3] {
					t.Fatalf("%d apps, %d routes, %d warnings: %v\n%s", apps, routes, warnings, got, text)
				}
				for i, p := range parts {
					if len(p.lines) > 0 && got[i] == 0 {
						t.Fatalf("%d apps, %d routes, %d warnings: %v", apps, routes, warnings, got)
					}
				}
				if got[3] < min(warnings, 3) {
					t.Fatalf("%d apps, %d routes, %d warnings: %v", apps, routes, warnings, got)
				}
				if 1+apps+routes+warnings <= 7 && got[1]+got[2] != apps+routes {
					t.Fatalf("%d apps, %d routes, %d warnings: %v", apps, routes, warnings, got)
				}
			}
		}
	}
	text := paragraph([]*part{{lines: rows(5), rest: rest}, {lines: labelled("route", []string{"a", "b", "c"}), more: moreIn("x")}}, 4, terminal.Paint{})
	if text != "  l0     x\n  rest   4\n  route  a\n         b   and 1 more: x\n" {
		t.Errorf("%q", text)
	}
}
