package manual

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/docs"
)

// Each topic has a page that renders at any width; each embedded page is a topic's; what topics go on to are topics.
func TestTopics(t *testing.T) {
	files, err := fs.Glob(docs.Pages, "*.md")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, topic := range Topics {
		page, ok := Page(topic.Name)
		if !ok || len(page) < 500 {
			t.Errorf("%s: %d bytes", topic.Name, len(page))
		}
		files = slices.DeleteFunc(files, func(f string) bool { return f == topic.file })
		for _, also := range topic.also {
			if !slices.Contains(Names(), also) {
				t.Errorf("%s goes on to %s, which is no topic", topic.Name, also)
			}
		}
		for _, wide := range []int{20, 80, 100} {
			inCode := false
			for line := range strings.SplitSeq(Text(page, wide, terminal.Paint{}), "\n") {
				inCode = strings.HasPrefix(line, "    ")
				if width(line) > wide && !inCode && wide >= 80 && strings.Contains(strings.TrimSpace(line), " ") && !regexp.MustCompile(`\S{30}|http|`+"`").MatchString(line) {
					t.Errorf("%s at %d: %q has %d columns", topic.Name, wide, line, width(line))
				}
				if !inCode && regexp.MustCompile(`\]\(|\*\*|^\||^#|<!--`).MatchString(regexp.MustCompile("`[^`]*`").ReplaceAllString(line, "")) {
					t.Errorf("%s at %d has Markdown: %q", topic.Name, wide, line)
				}
			}
		}
		for _, r := range Text(page, 80, terminal.Paint{On: true}) {
			if r >= boldOn && r <= off {
				t.Fatalf("%s has a mark", topic.Name)
			}
		}
	}
	if len(files) > 0 {
		t.Errorf("pages that are no topic's: %v", files)
	}
	for word, topic := range others {
		if !slices.Contains(Names(), topic) || slices.Contains(Names(), word) {
			t.Errorf("%s -> %s", word, topic)
		}
	}
}

func TestPageBySettingAndEvent(t *testing.T) {
	for name, want := range map[string]string{
		"max_rss": "STANDPIPE_MAX_RSS", "--max-rss": "STANDPIPE_MAX_RSS", "limits.max_body": "[limits]", "queue_full": "What to do", "SSL": "# HTTPS\n", "docs/tls.md": "# HTTPS\n",
		"certificates": "# HTTPS\n", "w": "STANDPIPE_WORKERS",
	} {
		if page, ok := Page(name); !ok || !strings.Contains(page, want) {
			t.Errorf("%s: %v %.200s", name, ok, page)
		}
	}
	for name, want := range map[string]string{"wrokers": "workers", "statc": "static", "certificate": "certificates", "qqqq": ""} {
		if _, ok := Page(name); ok || Nearest(name) != want {
			t.Errorf("%s: %q", name, Nearest(name))
		}
	}
}

func TestText(t *testing.T) {
	page := "# A page\n\n<!-- made\nby -->\n\nSome words that `are code` here, **bold** and a\n[link](tls.md#x), [tls.md](tls.md), [away](https://a.example/).\n\n" +
		"- one\n- two goes on\n  in a second line\n1. first\n\n```sh\n  code   here\n```\n\n| a | b |\n| --- | --- |\n| `x\\|y` | a cell with some more words than fit |\n\n> said\n> so\n"
	want := `A page
======

Some words that ` + "`are code`" + `
here, bold and a link
(standpipe help tls),
standpipe help tls, away
(https://a.example/).

- one
- two goes on in a second
  line
1. first

      code   here

a      b
` + "`x|y`" + `  a cell with some more
       words than fit

  said so
`
	if got := Text(page, 28, terminal.Paint{}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := Text("`a b` **c d**", 5, terminal.Paint{On: true}); got != "\x1b[36ma b\x1b[0m \x1b[1mc\x1b[0m\n\x1b[1md\x1b[0m\n" {
		t.Errorf("%q", got)
	}
	var b bytes.Buffer
	if err := Show(&b, "# X\n"); err != nil || b.String() != "X\n=\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("# a\n\n| a | b |\n|---|\n", 10)
	f.Add("```\n", 1)
	f.Add("- `a\n\n**b", 0)
	f.Fuzz(func(t *testing.T, page string, wide int) {
		Text(page, min(max(wide, 1), 200), terminal.Paint{On: true})
	})
}
