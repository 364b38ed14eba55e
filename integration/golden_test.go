package integration

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The golden files hold the wording of everything that standpipe says to people, one file for each surface: problems of the
// command line and of files (cli_errors), the messages of log records (log_sentences), error pages (error_pages), the text
// of a start (banner) and of `standpipe status` (status). No other test compares a sentence.
//
// To change a sentence, change it in the code, run
//
//	go test ./integration/ -run TestGolden -update
//
// and review the diff of testdata/golden as text.
var update = flag.Bool("update", false, "write the golden files of testdata/golden")

// golden compares text with the file of that name, or writes the file.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(b), "\n"), strings.Split(text, "\n")
	heading := "" // the last line that names a case
	for i := range max(len(want), len(got)) {
		w, g := lineAt(want, i), lineAt(got, i)
		if w == g {
			if strings.HasPrefix(w, "$ ") || strings.HasPrefix(w, "== ") {
				heading = w
			}
			continue
		}
		t.Fatalf("%s:%d: the text has changed, after %q\n  file  %s\n  now   %s\nIf it is meant: go test ./integration/ -run TestGolden -update, and review the diff.", path, i+1, heading, w, g)
	}
}

func lineAt(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(the end)"
}

// machine is what differs between two machines, running what differs between two runs; placeholders take their place, in this order.
var (
	machine = placeholders{
		{regexp.MustCompile(`\x1b\[[0-9;]*m`), ""},
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:?\d\d)`), "TIME"},
		{regexp.MustCompile(`[^\s"'(,]*/bin/python[0-9.]*`), "PYTHON"},
		{regexp.MustCompile(`\b3\.\d+\.\d+\b`), "3.X.Y"},
		{regexp.MustCompile(`\b\d+ cpus?\b`), "N cpus"},
		{regexp.MustCompile(`workers \d+ \(N cpus\)`), "workers N (N cpus)"},
	}
	running = placeholders{
		{regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{26}\b`), "ID"},
		{regexp.MustCompile(`(127\.0\.0\.1|0\.0\.0\.0|\[::1\]|localhost):\d{4,5}\b`), "$1:PORT"},
		{regexp.MustCompile(`\bpid([= ])\d+`), "pid${1}PID"},
		{regexp.MustCompile(`\buid=\d+`), "uid=UID"},
		{regexp.MustCompile(`\bup \d\S*`), "up DURATION"},
		{regexp.MustCompile(`\b(rss|pss|cpu|last) (\d\S*|-)`), "$1 N"},
		{regexp.MustCompile(`\b\d+\.\d+ ?m?s\b`), "DURATION"},
		{regexp.MustCompile(`standpipe \d+\.\d+\.\d+\S*`), "standpipe VERSION"},
		{regexp.MustCompile(`\b0/\d{3,}\b`), "0/N"}, // the queue's size follows the limit of open files
		{regexp.MustCompile(`\bin \d+ seconds?\b`), "in N seconds"},
		{regexp.MustCompile(`Retry-After: \d+`), "Retry-After: N"},
		{regexp.MustCompile(`<style>.*</style>`), "<style>...</style>"},
		{regexp.MustCompile(`(\S)   +`), "$1  "}, // columns
		{regexp.MustCompile(` +\n`), "\n"},
	}
)

type placeholders []struct {
	find *regexp.Regexp
	put  string
}

func (list placeholders) in(text string) string {
	for _, p := range list {
		text = p.find.ReplaceAllString(text, p.put)
	}
	return text
}

// fixed is text with placeholders for folders (name: path) and for what belongs to the machine.
func fixed(text string, folders map[string]string) string {
	for name, path := range folders {
		text = strings.ReplaceAll(text, path, name)
	}
	return machine.in(strings.ReplaceAll(text, built.dir, "TMP"))
}

// timeless is fixed, with placeholders for what changes from run to run.
func timeless(text string, folders map[string]string) string { return running.in(fixed(text, folders)) }

// goldenCase is a case of a golden file: a heading, and the text indented below it.
func goldenCase(heading, text string) string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return heading + "\n\n"
	}
	return heading + "\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n\n"
}
