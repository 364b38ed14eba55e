package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

func testApp() *App {
	load, json := &Flag{Name: "load", Switch: true}, &Flag{Name: "json", Switch: true}
	return &App{Name: "standpipe", Commands: []*Command{
		{Name: "serve", Settings: true, Most: 1, Extra: "one APP"},
		{Name: "check", Settings: true, Most: 1, Extra: "one APP", Flags: []*Flag{load, json}},
		{Name: "config", Settings: true, Most: 1, Extra: "one APP"},
		{Name: "explain", Most: 1, Extra: "one EVENT", Blank: true, Flags: []*Flag{{Name: "min", Value: "256"}}},
		{Name: "version"},
	}}
}

// shown is what was read, in one form.
func shown(c *Context) string {
	var out []string
	if c.Command != nil {
		out = append(out, c.Command.Name)
	}
	if c.help {
		out = append(out, "--help")
	}
	if c.Command != nil && !c.help {
		for _, f := range c.Command.flags() {
			for _, v := range c.given[f.Name] {
				if f.Switch && f.setting == nil {
					out = append(out, "--"+f.Name)
				} else {
					out = append(out, fmt.Sprintf("--%s=%s", f.Name, v))
				}
			}
		}
	}
	if c.Command != nil {
		out = append(append(out, "--"), c.args...)
	}
	return strings.Join(out, " ")
}

// The flags are compared as a set: shown has them in the order of the table of settings.
func TestRead(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"serve a:b -w 4", "serve --workers=4 -- a:b"},
		{"serve -w4 a:b --threads=2", "serve --workers=4 --threads=2 -- a:b"},
		{"serve -w=4 -e A=b,c -e X=", "serve --workers=4 --env=A=b,c --env=X= --"},
		{"serve --log-file - a", "serve --error-log=- -- a"},
		{"serve --chdir=/x -- -odd", "serve --dir=/x -- -odd"},
		{"serve -w -1 a -t -5s", "serve --workers=-1 --timeout=-5s -- a"},
		{"check --load a --json", "check --load --json -- a"},
		{"serve --server-header= a", "serve --server-header= -- a"},
		{"config a -h --nonsense", "config --help --"},
		{"serve --compress on a:b --preload", "serve --compress=on --preload=on -- a:b"},
		{"serve --compress off --reload a:b", "serve --compress=off --reload=on -- a:b"},
		{"check --load on --json=false", "check --load --"},
		{"check --json off a", "check -- a"},
		{"--version", "version --"},
		{"help serve", "serve --help --"},
		{"--help", "--help"},
		{"", "--help"},
	} {
		got, err := testApp().Read(t.Context(), strings.Fields(c.in))
		if err != nil || len(got.Problems) > 0 || !sameWords(shown(got), c.want) {
			t.Errorf("%s: %q, %v, %v; want %q", c.in, shown(got), got.Problems, err, c.want)
		}
	}
}

func sameWords(a, b string) bool {
	count := map[string]int{}
	for w := range strings.FieldsSeq(a) {
		count[w]++
	}
	for w := range strings.FieldsSeq(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// A setting's flags keep their order; the last value of a single one counts, and a switch can be taken back.
func TestValues(t *testing.T) {
	c, err := testApp().Read(t.Context(), []string{"check", "-e", "A=1", "-e", "B=2", "--json", "--json=off", "-t", "3s", "-t", "4s"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Strings("env"); len(got) != 2 || got[0] != "A=1" || got[1] != "B=2" {
		t.Errorf("env %q", got)
	}
	if c.Bool("json") || c.String("timeout") != "4s" || c.IsSet("workers") || c.Arg(0) != "" {
		t.Errorf("json %v, timeout %q", c.Bool("json"), c.String("timeout"))
	}
	if c, err = testApp().Read(t.Context(), []string{"explain", ""}); err != nil || c.String("min") != "256" {
		t.Errorf("%v; an empty argument, or the value without the flag", err)
	}
}

// Wrong usage has exit code 2, whatever is wrong. A command that takes the settings reports its problems with theirs.
func TestWrongUsage(t *testing.T) {
	for _, line := range []string{"nosuch", "help nosuch", "help serve x", "help --nosuch", "version x", "version --json", "explain a b", "explain --min"} {
		if _, err := testApp().Read(t.Context(), strings.Fields(line)); exit.Code(err) != exit.Usage {
			t.Errorf("%s: %v", line, err)
		}
	}
	c, err := testApp().Read(t.Context(), strings.Fields("check a b --nosuch=1 -w --json=maybe"))
	if err != nil || len(c.Problems) != 4 || len(c.Args()) != 1 {
		t.Errorf("%v, %q", err, c.Problems)
	}
}

// What an unknown flag's value is cannot be told from an argument; so no argument is called too much.
func TestUnsure(t *testing.T) {
	c, err := testApp().Read(t.Context(), strings.Fields("serve --nosuch thing a:b"))
	if err != nil || len(c.Problems) != 1 {
		t.Errorf("%v, %q", err, c.Problems)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("serve -w4 a:b --threads=2")
	f.Add("check --json=off -- --x")
	f.Add("help")
	app := testApp()
	f.Fuzz(func(t *testing.T, line string) {
		c, err := app.Read(t.Context(), strings.Split(line, " "))
		if err == nil && !c.help && c.Command == nil {
			t.Error("no command, and no error")
		}
	})
}
