package corpus

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Difference is a row of a table of differences: cases of which another server makes something else, and why that is so.
type Difference struct {
	Patterns []string // path.Match on the names of cases; each case that matches must differ in this way
	Theirs   string   // Outcome.Short
	Why      string   // with the clause
	line     int
}

// Differences reads the rows below the heading "## server" of a Markdown file: | cases | theirs | why |.
func Differences(file, server string) ([]*Difference, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var rows []*Difference
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			inside = strings.Fields(heading)[0] == server
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !inside || !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| cases ") || strings.HasPrefix(line, "| --") {
			continue
		}
		if len(cells) != 3 || cells[2] == "" {
			return nil, fmt.Errorf("%s:%d: want | cases | theirs | why |", file, i+1)
		}
		rows = append(rows, &Difference{Patterns: strings.Fields(strings.ReplaceAll(cells[0], "`", "")), Theirs: cells[1], Why: cells[2], line: i + 1})
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has no row below %q", file, server)
	}
	return rows, nil
}

func (d *Difference) covers(name string) bool {
	return slices.ContainsFunc(d.Patterns, func(p string) bool { ok, err := path.Match(p, name); return ok && err == nil })
}

// Short is an outcome as a table of differences has it: the status of each answer, and the end: "200+400 close". A server
// that waited for more bytes, "waits", has no end of its own.
func (o Outcome) Short(c *Case) string {
	var list []string
	end := "close"
	for _, a := range o.Answers {
		if a.Status == 200 && a.Echo.Host == "follower" && (a.Echo.Target == ProbeTarget || a.Echo.Target == CanaryTarget) {
			end = "keep"
			continue
		}
		s := fmt.Sprint(a.Status)
		if n := len(list); a.Status == 200 && n < len(c.Want) && c.Want[n].Body != nil && a.Echo.Method != "" && *c.Want[n].Body != a.Echo.Body {
			s += " another body"
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		list = append(list, "none")
	}
	if o.Waited {
		end = "waits"
	}
	return strings.Join(list, "+") + " " + end
}

// Agrees tells whether an outcome of another server is what the case wants, as far as the framing goes: the statuses, the
// bodies and the end.
func (c *Case) Agrees(o Outcome) bool {
	short := o.Short(c)
	statuses, end, _ := strings.Cut(short, " ")
	list := strings.Split(statuses, "+")
	if n := len(c.Want); len(list) == n-1 && slices.Contains(c.Want[n-1].Statuses, 0) {
		list = append(list, "none")
	}
	if strings.Contains(short, "another body") || len(list) != len(c.Want) {
		return false
	}
	for i, s := range list {
		if !slices.ContainsFunc(c.Want[i].Statuses, func(n int) bool { return fmt.Sprint(n) == s || n == 0 && s == "none" }) {
			return false
		}
	}
	return end == string(c.End) || c.End == Any && end != "waits" || c.Fin && end != "waits"
}

// Compare plays the cases against another server and returns what is wrong with the rows: a difference that no row or that
// two rows cover, and a row that covers a case that does not differ so. Cases that end by a timeout are left out.
func Compare(cases []*Case, rows []*Difference, play func(c *Case, quiet time.Duration) Outcome) []string {
	var mu sync.Mutex
	var wrong []string
	used := map[*Difference]bool{}
	var all sync.WaitGroup
	slots := make(chan bool, 16)
	for _, c := range cases {
		if c.Slow() {
			continue
		}
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			var over []*Difference
			for _, d := range rows {
				if d.covers(c.Name) {
					over = append(over, d)
				}
			}
			var said string
			for _, quiet := range []time.Duration{2 * time.Second, 15 * time.Second} { // the second time: the machine was busy
				o := play(c, quiet)
				short := o.Short(c)
				switch agrees := c.Agrees(o); {
				case agrees && len(over) == 0, !agrees && len(over) == 1 && over[0].Theirs == short:
					mu.Lock()
					defer mu.Unlock()
					for _, d := range over {
						used[d] = true
					}
					return
				case agrees:
					said = fmt.Sprintf("%s (%s): no difference, and a row at line %d", c.Name, c.Place, over[0].line)
				case len(over) == 0:
					said = fmt.Sprintf("%s (%s): %s, without a row", c.Name, c.Place, short)
				case len(over) > 1:
					said = fmt.Sprintf("%s (%s): %s, and rows at the lines %d and %d", c.Name, c.Place, short, over[0].line, over[1].line)
				default:
					said = fmt.Sprintf("%s (%s): %s, the row at line %d says %s", c.Name, c.Place, short, over[0].line, over[0].Theirs)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			wrong = append(wrong, said)
		})
	}
	all.Wait()
	for _, d := range rows {
		if !used[d] {
			wrong = append(wrong, fmt.Sprintf("the row at line %d covers no case that differs so", d.line))
		}
	}
	slices.Sort(wrong)
	return wrong
}
