package laws

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	fenced   = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	inline   = regexp.MustCompile("`[^`\n]*`")
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *#*$`)
	mdLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	quoted   = regexp.MustCompile("`([a-z0-9_]+)`")
	figures  = regexp.MustCompile(`\d[\d,.]*\d|\d`)
	linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// slugs are the names by which links reach the headings of a page, as GitHub makes them.
func slugs(text string) map[string]bool {
	names := map[string]bool{}
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		title := linkText.ReplaceAllString(m[1], "$1")
		slug := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, title)
		if n := seen[slug]; n > 0 {
			names[slug+"-"+strconv.Itoa(n)] = true
		}
		seen[slug]++
		names[slug] = true
	}
	return names
}

// TestPageLinks follows each relative link of each page: the file exists, and so does the heading.
func TestPageLinks(t *testing.T) {
	t.Parallel()
	for _, page := range tracked(t, ".md") {
		if strings.HasPrefix(page, "cmd/") {
			continue // parts of pages in docs/, which are looked at there
		}
		text := inline.ReplaceAllString(fenced.ReplaceAllString(read(t, page), ""), "")
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue
			}
			file := page
			if target != "" {
				file = path.Join(path.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(file, ".md") && !slugs(read(t, file))[anchor] {
				t.Errorf("%s: the link %s: %s has no such heading", page, m[1], file)
			}
		}
	}
}

// TestSiteNavigation: each page of docs/ is in the navigation of the site.
func TestSiteNavigation(t *testing.T) {
	t.Parallel()
	site := read(t, "packaging/mkdocs.yml")
	for _, page := range tracked(t, ".md") {
		name, below := strings.CutPrefix(page, "docs/")
		if below && !strings.HasSuffix(name, ".notes.md") && !strings.Contains(site, ": "+name+"\n") {
			t.Errorf("packaging/mkdocs.yml: nav has no line for %s", page)
		}
	}
}

// columns are the cells of each row of a page's tables, without their heads.
func columns(text string, n int) (rows [][]string) {
	head := true
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			head = true
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if strings.HasPrefix(line, "| ---") {
			head = false
			continue
		}
		if !head && len(cells) == n {
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestReliabilityNamesRealThings: each event and setting in the tables of docs/reliability.md is in docs/logs.md and docs/settings.md.
func TestReliabilityNamesRealThings(t *testing.T) {
	t.Parallel()
	events, settings := slugs(read(t, "docs/logs.md")), slugs(read(t, "docs/settings.md"))
	rows := columns(read(t, "docs/reliability.md"), 4)
	if len(rows) < 20 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for i, known := range []map[string]bool{events, settings} {
			for _, m := range quoted.FindAllStringSubmatch(row[2+i], -1) {
				if !known[m[1]] {
					t.Errorf("docs/reliability.md: %s: there is no %s", row[0], m[1])
				}
			}
		}
	}
}

// TestReadmeFigures: each figure of README.md's table is on the page that its row names.
func TestReadmeFigures(t *testing.T) {
	t.Parallel()
	n := 0
	for _, row := range columns(read(t, "README.md"), 3) {
		m := mdLink.FindStringSubmatch(row[2])
		if m == nil || !strings.HasPrefix(m[1], "docs/measurements/") {
			continue
		}
		n++
		page := read(t, m[1])
		for _, figure := range figures.FindAllString(row[1], -1) {
			if !regexp.MustCompile(`(^|[^\d.,])` + regexp.QuoteMeta(figure) + `($|[^\d.,]|[.,]\D)`).MatchString(page) {
				t.Errorf("README.md: %s: %s is not in %s", row[0], figure, m[1])
			}
		}
	}
	if n == 0 || n > 10 {
		t.Errorf("%d rows with figures, want 1 to 10", n)
	}
}

// TestFAQ: docs/faq.md has many questions, each once, and each answer is short and names a setting, a command, an event or a page.
func TestFAQ(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, part := range strings.Split(read(t, "docs/faq.md"), "\n\n") {
		question, answer, ok := strings.Cut(strings.TrimPrefix(part, "**"), "**\n")
		if !ok {
			continue
		}
		if seen[question] {
			t.Errorf("%s: is there twice", question)
		}
		seen[question] = true
		if n := len(strings.Fields(answer)); n < 15 || n > 110 || !strings.Contains(answer, "`") && !mdLink.MatchString(answer) {
			t.Errorf("%s: %d words, or it names nothing", question, n)
		}
	}
	if len(seen) < 25 {
		t.Errorf("%d questions", len(seen))
	}
}

// othersWords are such words of nginx, of a package and of an example.
var othersWords = map[string]bool{"client_max_body_size": true, "prometheus_client": true, "api_key": true}

var underscored = regexp.MustCompile("`([a-z]+(?:_[a-z]+)+)`")

// TestPagesNameRealThings: each word of code with an underscore on these pages is an event, a setting, or a field of records.
func TestPagesNameRealThings(t *testing.T) {
	t.Parallel()
	logs := read(t, "docs/logs.md")
	events, settings := slugs(logs), slugs(read(t, "docs/settings.md"))
	for _, page := range []string{"docs/faq.md", "docs/zero-downtime.md", "docs/behind-cdn.md", "docs/many-apps.md", "docs/operating.md", "docs/users.md", "docs/containers.md"} {
		for _, m := range underscored.FindAllStringSubmatch(read(t, page), -1) {
			name := m[1]
			if !events[name] && !settings[name] && !strings.Contains(logs, "`"+name+"`") && !strings.HasPrefix(name, "standpipe_") && !othersWords[name] {
				t.Errorf("%s: there is no %s", page, name)
			}
		}
	}
}
