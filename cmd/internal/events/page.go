package events

import (
	"fmt"
	"io"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// Field is a field of an event, with what it means.
type Field struct {
	Name  string `json:"name"`
	Means string `json:"means"`
}

// Explained returns the event's fields with what they mean.
func (e Event) Explained() []Field {
	list := make([]Field, len(e.Fields))
	for i, name := range e.Fields {
		list[i] = Field{name, fields[name]}
	}
	return list
}

// Explain writes the entry of an event for people.
func (e Event) Explain(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n  %s\n\n  What to do: %s\n", e.Name, e.Levels, e.Message, e.Do)
	if len(e.Fields) > 0 {
		b.WriteString("\n  Fields:\n")
	}
	for _, f := range e.Explained() {
		fmt.Fprintf(&b, "    %-15s %s\n", f.Name, f.Means)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WritePage writes docs/logs.md.
func WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(pageHead)
	b.WriteString("\n## Exit codes\n\n`standpipe explain 3` prints one of these.\n\n| code | means | what to do |\n| --- | --- | --- |\n")
	for _, c := range exit.Codes {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", c.Code, cell(c.Means), cell(c.Do))
	}
	b.WriteString("\n## Events\n\n`standpipe explain queue_full` prints one of these, `standpipe explain` lists them, `--json` is for programs.\n")
	for _, e := range All() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- level: %s\n- what to do: %s\n", e.Name, e.Message, e.Levels, e.Do)
		if len(e.Fields) > 0 {
			fmt.Fprintf(&b, "- fields: `%s`\n", strings.Join(e.Fields, "`, `"))
		}
	}
	b.WriteString("\n## Fields\n\nOne key means one thing in all events.\n\n| key | means |\n| --- | --- |\n")
	for _, name := range fieldNames() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(fields[name]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

const pageHead = "# Logs\n\n" +
	`<!-- Made by "go run ./cmd/internal/events/gen". Do not edit; a test compares. -->

There are two logs: the access log (standard output; ` + "`access_log`" + `) has one line per request, the error log (standard error;
` + "`error_log`" + `) has everything else, what the apps print included. ` + "`log_format`" + ` rules both, and ` + "`access_log_format`" + `, when it is set, the
access log:

| log_format | error log | access log |
| --- | --- | --- |
| auto | text on a terminal, otherwise JSON | combined |
| text | text | combined |
| json | JSON | JSON |

## JSON

Each line is one object, and both logs have one schema:

` + "```json" + `
{"time":"2026-03-01T12:00:00.007Z","level":"warn","event":"queue_full","message":"Requests were answered 503 at once because the queue was full.","app":"shop","waiting":256,"waiting_of":256,"oldest":9.8,"refused":212}
{"time":"2026-03-01T12:00:00.009Z","level":"info","event":"request","message":"GET /cart 200","client":"10.0.3.7","method":"GET","target":"/cart","status":200,"app":"shop","rt":0.0123}
` + "```" + `

| key | what it is |
| --- | --- |
| time | RFC 3339 with milliseconds; of a request, its beginning |
| level | trace, debug, info, warn or error |
| event | the name of what happened: stable, for programs |
| message | a sentence, for people; its words may change. Of ` + "`output`" + `, the app's own text |

All other keys are the event's fields; they stand in the same object. Durations are seconds and sizes are bytes, as numbers; a part of a whole
is two of them, KEY and KEY_of (in text: waiting=256/256). A field that does
not apply is left out of the error log.

No field is without a bound, since much in them comes from clients: a value that is cut ends with ` + "`...+N`" + ` for the N bytes that are missing; a
traceback loses its middle. Bytes that are not UTF-8 are written ` + "`\\xHH`" + `.

## Text

` + "```" + `
2026-03-01T12:00:00.007Z [WARN]  queue_full: app=shop waiting=256/256 oldest=9.8s refused=212: Requests were answered 503 at once because the queue was full.
2026-03-01T12:00:01.100Z [INFO]  shop/3 id=01J9: what the app prints
` + "```" + `

The event's name is first, then the fields, then the sentence. Fields of several lines follow, each line behind ` + "`  | `" + `.

## Combined

The line of nginx and Apache, with further fields behind it:

` + "```" + `
10.0.3.7 - - [01/Mar/2026:12:00:00 +0000] "GET /cart HTTP/1.1" 200 5120 "-" "curl/8" app=shop rt=0.0123 wait=0.0000 id=01J9 worker=shop/3
` + "```" + `

` + "`upstream=`, `source=static` and `aborted=1`" + ` follow where they apply. aborted means that bytes of the answer are missing.

## What apps write

Everything that an app, or a process that it started, writes to its standard output and standard error is an ` + "`output`" + ` record, with the worker, and with the id of the request that it belongs
to. Its level is the one that Python's ` + "`logging`" + ` gave the record, whatever its format, when the handler writes to sys.stdout or sys.stderr, and what the handler wrote at once is
one record; what came by another way (a file of its own on descriptor 2 or /dev/stderr, loguru, structlog without logging, a child) has the level that its text shows:
a traceback is an error, whether it comes from a framework's logger, ` + "`wsgi.errors`" + `, a thread, ` + "`__del__`" + `, asyncio or C code; a line in one of the usual forms
(` + "`ERROR:root:...`, `[error   ]`, `{\"level\": \"error\"}`" + `) has the level that it names; everything else is information. ` + "`log_level`" + ` does not hide an app's debug records.

A crash in C code (SIGSEGV, SIGABRT) is a ` + "`worker_exit`" + ` with the Python stacks, because ` + "`faulthandler`" + ` is enabled in every worker. An app that enables it itself,
with a file of its own, has the stacks there.

## systemd

When standard error is the journal (` + "`JOURNAL_STREAM`" + `), each line begins with its priority (sd-daemon(3)): ` + "`journalctl -p err -u shop`" + ` shows the errors, the apps' tracebacks among them.
`
