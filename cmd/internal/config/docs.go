package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteDocs writes docs/settings.md.
func WriteDocs(w io.Writer) error {
	var b strings.Builder
	b.WriteString(docsHead)
	section := func(title, text string, list []*Setting) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, text)
		for _, s := range list {
			s.docs(&b)
		}
	}
	section("The command line alone", "These have no key in the file.", commandSettings())
	var top []*Setting
	sections := make(map[string][]*Setting)
	for _, s := range serverSettings() {
		if s.Section == "" {
			top = append(top, s)
		} else {
			sections[s.Section] = append(sections[s.Section], s)
		}
	}
	section("The server", "In the file these stand at the top, before the first table.", top)
	for _, name := range sectionNames() {
		section("["+name+"]", sectionText[name], sections[name])
	}
	section("[[listen]]", "One table for each address. `--bind` and `STANDPIPE_BIND` take the place of all of them.", listenSettings())
	section("[[internal]]", internalText, internalSettings())
	section("[[static]] and [[app.static]]", staticText, staticSettings())
	section("[[route]]", routeText, routeSettings())
	section("[[app]]", appText, appSettings())
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Setting) docs(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", s.Key, s.Doc)
	var flags []string
	for _, f := range s.Flags {
		flags = append(flags, "`"+Dashed(f)+"`")
	}
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, text)
		}
	}
	row("flag", strings.Join(flags, ", "))
	if n := s.EnvName(); n != "" {
		row("variable", "`"+n+"`")
	}
	kind := s.Kind.String()
	if s.Kind == Choice {
		kind = "one of `" + strings.Join(s.Choices, "`, `") + "`"
	}
	row("value", kind)
	def := ""
	if s.Default != "" {
		def = "`" + s.Default + "`"
	}
	if s.Derived != "" {
		if def != "" {
			def += "; "
		}
		def += s.Derived
	}
	row("default", def)
}

// Dashed is a flag's name as one types it.
func Dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

var sectionText = map[string]string{
	"limits": "What clients may send, and how long it may take.",
	"log":    "The access log goes to standard output, everything else to standard error.",
	"stop":   "From the first signal to the exit: shutdown_delay, then graceful_timeout, then term_grace, all within stop_timeout.",
}

const internalText = "One table for each folder whose files an app may send by the field `X-Accel-Redirect`: a path, percent-encoded, whose\n" +
	"query does not count. Clients do not reach it. Without a table the field passes like any other."

const routeText = "One table for each place that other servers answer for. The first that matches wins, in the order of the file; what no\n" +
	"route takes goes to the apps."

const staticText = "One table for each folder of files that are served without a worker: [[static]] for the server, [[app.static]] for an app,\n" +
	"in its [[app]]. `docs/static.md` says what is served, and how."

const appText = "One table for each app. On the command line, `--app` takes the same keys. The flags hold for every app; those whose\n" +
	"value is a number or a duration also take `NAME=VALUE` for one app, and that wins over the file: `-w 4 -w shop=8`."

const docsHead = `# Settings

<!-- Made by "go run ./cmd/internal/config/gen". Do not edit; a test compares. -->

A setting may come from four places; a later one wins:

1. its default;
2. the file: ` + "`-c standpipe.toml`" + `, or standpipe.toml in the current folder when the command line names no app;
3. the environment: ` + "`STANDPIPE_`" + ` and the key in capitals, such as ` + "`STANDPIPE_WORKERS=4`" + `;
4. a flag.

Three variables that hosting platforms set count as defaults, so that the file wins over them: ` + "`PORT`, `WEB_CONCURRENCY`" + `
and ` + "`FORWARDED_ALLOW_IPS`" + `. An empty variable counts as unset.

` + "`standpipe config`" + ` shows what is in force and where each value came from. ` + "`standpipe check`" + ` says all that is wrong at once.

Durations are written ` + "`30s`, `1m30s`, `250ms`" + `; sizes ` + "`64KiB`, `100MiB`, `1GiB`" + ` (` + "`K`, `KB` and `KiB`" + ` are all 1024). A bare
number is seconds or octets. **0 means no limit**, everywhere; a setting that needs a number says so. Lists are written with
commas on the command line and in variables, and as arrays in the file.

A relative path in the file is relative to the file's folder, one on the command line to the current folder. An app's
python, venv, env_file, pythonpath, sendfile_roots and static folders are relative to the app's dir, wherever they are set.

` + "```toml" + `
[[listen]]
address = "127.0.0.1:8000"

[[app]]
name    = "shop"
module  = "shop.wsgi:application"
dir     = "/srv/shop"
workers = 4
env     = { DJANGO_SETTINGS_MODULE = "shop.settings" }

[limits]
max_body = "20MiB"
` + "```" + `
`
