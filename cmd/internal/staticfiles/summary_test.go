package staticfiles

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	same := Folder{URL: "/static/", Dir: "a", How: "declared by Django, DEBUG"}
	other := same
	other.Dir = "b"
	lines, rest := Lines([]Folder{same, other})
	if len(lines) != 1 || rest != 0 || lines[0] != "/static/ -> a, b (declared by Django, DEBUG)" {
		t.Errorf("%q %d", lines, rest)
	}
	var many []Folder
	for i := range 107 {
		many = append(many, Folder{URL: fmt.Sprintf("/p%d/static/", i), Dir: "d", How: fmt.Sprintf("declared by Flask blueprint b%d", i), Refused: "the app has before_request x", Insist: true})
	}
	many = append(many, Folder{URL: "/t/", How: "declared by Flask", Trouble: "it does not exist"})
	lines, rest = Lines(many)
	if len(lines) != 2 || rest != 0 || lines[0] != "/t/ (declared by Flask): it does not exist" ||
		lines[1] != "/p0/static/, /p1/static/ and 105 more (declared by Flask blueprints) are left to the app: the app has before_request x; --static force insists" {
		t.Errorf("%q %d", lines, rest)
	}
	for i := range many {
		many[i].Refused = fmt.Sprint("reason ", i)
	}
	if lines, rest = Lines(many); len(lines) != linesMost-1 || rest != len(many)-len(lines) || !strings.HasPrefix(lines[0], "/t/") {
		t.Errorf("%q %d", lines, rest)
	}
}
