package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// directive is NAME ARGUMENTS; or NAME ARGUMENTS { block }.
type directive struct {
	name  string
	args  []string
	block []directive
	at    draft.Place
}

func (d directive) arg(i int) string {
	if i < len(d.args) {
		return d.args[i]
	}
	return ""
}

// String is the directive as one would write it.
func (d directive) String() string { return strings.Join(append([]string{d.name}, d.args...), " ") }

const deepest = 16

// reader reads files.
type reader struct {
	prefix  string // the folder that includes are relative to
	absent  func(at draft.Place, name string)
	depth   int
	pending []token
}

type token struct {
	text   string
	quoted bool
	line   int
}

// file reads a file. shown is its name in messages.
func (r *reader) file(path, shown string) ([]directive, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("%s: the file does not exist", shown)
		}
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	tokens, err := tokenize(string(text), shown)
	if err != nil {
		return nil, err
	}
	inner := &reader{prefix: r.prefix, absent: r.absent, depth: r.depth + 1, pending: tokens}
	return inner.block(shown, false)
}

// block reads directives up to the } that ends them, or up to the end of the file.
func (r *reader) block(shown string, inside bool) (out []directive, err error) {
	for len(r.pending) > 0 {
		t := r.pending[0]
		r.pending = r.pending[1:]
		at := draft.Place{File: shown, Line: t.line}
		switch {
		case t.text == "}" && !t.quoted:
			if !inside {
				return nil, fmt.Errorf("%s: unexpected }", at)
			}
			return out, nil
		case t.text == ";" && !t.quoted:
			continue
		}
		d, err := r.directive(t, shown)
		if err != nil {
			return nil, err
		}
		if d.name != "include" {
			out = append(out, d)
			continue
		}
		more, err := r.include(d)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	if inside {
		return nil, fmt.Errorf("%s: a } is missing at the end", shown)
	}
	return out, nil
}

func (r *reader) directive(name token, shown string) (d directive, err error) {
	d = directive{name: name.text, at: draft.Place{File: shown, Line: name.line}}
	for len(r.pending) > 0 {
		t := r.pending[0]
		r.pending = r.pending[1:]
		switch {
		case t.quoted:
			d.args = append(d.args, ofTemplate(t.text))
		case t.text == ";":
			return d, nil
		case t.text == "{":
			d.block, err = r.block(shown, true)
			return d, err
		case t.text == "}":
			return d, fmt.Errorf("%s: %s has no ; at its end", d.at, d.name)
		default:
			d.args = append(d.args, ofTemplate(t.text))
		}
	}
	return d, fmt.Errorf("%s: %s has no ; at its end", d.at, d.name)
}

// templateVariable is a variable of a template, as those of nginx's image: nginx's own are in lower case.
var templateVariable = regexp.MustCompile(`\$\{([A-Z][A-Z0-9_]*)\}|\$([A-Z][A-Z0-9_]*)`)

// ofTemplate makes a template's variables those of standpipe.toml.
func ofTemplate(s string) string {
	return templateVariable.ReplaceAllStringFunc(s, func(v string) string { return draft.Variable(strings.Trim(v, "${}")) })
}

// parameterFiles come with nginx, and say nothing of a site.
var parameterFiles = []string{"mime.types", "uwsgi_params", "fastcgi_params", "fastcgi.conf", "scgi_params"}

// include reads the files of a pattern. One that is not there is told, and is no error: a site's file is often read on
// another machine.
func (r *reader) include(d directive) (out []directive, err error) {
	pattern := d.arg(0)
	if filepath.Base(pattern) == "proxy_params" { // Debian's; X-Forwarded-For and -Proto are sent anyway
		for _, field := range [][]string{{"Host", "$http_host"}, {"X-Real-IP", "$remote_addr"}} {
			out = append(out, directive{name: "proxy_set_header", args: field, at: d.at})
		}
		return out, nil
	}
	if slices.Contains(parameterFiles, filepath.Base(pattern)) {
		return nil, nil
	}
	if r.depth > deepest {
		return nil, fmt.Errorf("%s: files include each other", d.at)
	}
	path := pattern
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.prefix, path)
	}
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, fmt.Errorf("%s: include %s: %w", d.at, pattern, err)
	}
	if len(files) == 0 && !strings.ContainsAny(pattern, "*?[") {
		r.absent(d.at, pattern)
	}
	for _, file := range files {
		shown := file
		if rel, err := filepath.Rel(r.prefix, file); err == nil && !filepath.IsAbs(pattern) {
			shown = rel
		}
		more, err := r.file(file, shown)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// tokenize cuts a text into words, quoted texts, and ; { }.
func tokenize(text, shown string) (out []token, err error) {
	s := scanner{text: text, line: 1, shown: shown}
	for s.skip() {
		begin := s.line
		switch c := s.text[s.pos]; c {
		case ';', '}', '{':
			s.pos++
			out = append(out, token{string(c), false, begin})
			if c == '{' && raw(out) {
				if err := s.raw(); err != nil {
					return nil, err
				}
				out = append(out, token{"}", false, s.line})
			}
		case '"', '\'':
			word, err := s.quoted(c)
			if err != nil {
				return nil, err
			}
			out = append(out, token{word, true, begin})
		default:
			out = append(out, token{s.word(), false, begin})
		}
	}
	return out, nil
}

// raw reports whether the block that begins now is another language: content_by_lua_block {.
func raw(tokens []token) bool {
	return len(tokens) > 1 && strings.HasSuffix(tokens[len(tokens)-2].text, "_block")
}

type scanner struct {
	text, shown string
	pos, line   int
}

// skip goes to the next token; not: there is none.
func (s *scanner) skip() bool {
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		case '#':
			for s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n' {
				s.pos++
			}
		default:
			return true
		}
	}
	return false
}

func (s *scanner) word() string {
	var b strings.Builder
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		switch {
		case c == '\\' && s.pos+1 < len(s.text):
			s.pos++
			b.WriteString(escaped(s.text[s.pos]))
		case strings.HasPrefix(s.text[s.pos:], "${"): // a variable; its braces are part of the word
			end := strings.IndexByte(s.text[s.pos:], '}')
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			b.WriteString(s.text[s.pos : s.pos+end+1])
			s.pos += end
		case strings.ContainsRune(" \t\r\n;{}", rune(c)):
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escaped is what a backslash and c mean, in quotes and without.
func escaped(c byte) string {
	switch c {
	case '"', '\'', '\\':
		return string(c)
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'n':
		return "\n"
	}
	return "\\" + string(c)
}

func (s *scanner) quoted(quote byte) (string, error) {
	begin := s.line
	var b strings.Builder
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == quote:
			s.pos++
			return b.String(), nil
		case c == '\\' && s.pos+1 < len(s.text):
			s.pos++
			b.WriteString(escaped(s.text[s.pos]))
		default:
			if c == '\n' {
				s.line++
			}
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("%s:%d: the quote is never closed", s.shown, begin)
}

// raw skips a block of another language, up to the } that ends it.
func (s *scanner) raw() error {
	begin := s.line
	for depth := 1; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\n':
			s.line++
		case '"', '\'': // a text of that language, if it ends in its line
			line, _, _ := strings.Cut(s.text[s.pos+1:], "\n")
			if end := strings.IndexByte(line, s.text[s.pos]); end >= 0 {
				s.pos += end + 1
			}
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				s.pos++
				return nil
			}
		}
	}
	return fmt.Errorf("%s:%d: a } is missing", s.shown, begin)
}
