package uwsgi

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// option is one line: a key and its value.
type option struct {
	key, value string
	at         draft.Place
	hidden     bool // a placeholder, which is no option of uWSGI's
}

// deepest is how deep files may include each other; most is how many options there may be: a file that includes itself ends.
const (
	deepest = 16
	most    = 10000
)

// reader collects the options of a file and of those that it includes.
type reader struct {
	dir     string // the current folder
	env     map[string]string
	options []option
	logic   logic
	outer   map[byte]string // %P and its like: the first file's
	used    map[string]bool // options that placeholders name
	unset   map[string]bool // variables of the environment that are named and not set
	last    string          // the file that was read last: ":section" is in it
}

// file reads the options of a section. name may end in :section.
func (r *reader) file(name string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%s: files include each other", name)
	}
	name, section := splitSection(name)
	if name == "" {
		name = r.last
	}
	r.last = name
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	signs := r.signs(path, section)
	list, err := parse(signs.in(string(text)), name, section)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := r.add(o, depth); err != nil {
			return err
		}
	}
	return nil
}

// reason is an error of a file without its path, which the caller names.
func reason(err error) error {
	if os.IsNotExist(err) {
		return fmt.Errorf("the file does not exist")
	}
	return err
}

// splitSection cuts "site.ini:blog"; the section is uwsgi without one.
func splitSection(name string) (file, section string) {
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.ContainsAny(name[i:], `/\`) {
		if name[i+1:] == "" {
			return name[:i], "uwsgi"
		}
		return name[:i], name[i+1:]
	}
	return name, "uwsgi"
}

// parse reads the text in the form that the file's name says.
func parse(text, name, section string) ([]option, error) {
	switch filepath.Ext(name) {
	case ".yaml", ".yml":
		return parseYAML(text, name, section)
	case ".xml":
		return parseXML(text, name)
	case ".json", ".js":
		return parseJSON(text, name, section)
	}
	return parseINI(text, name, section)
}

func parseINI(text, name, section string) (out []option, err error) {
	in, found := "", false
	var sections []string
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.Trim(line, " \t\r\n")
		switch {
		case line == "" || line[0] == ';' || line[0] == '#':
		case line[0] == '[':
			in = strings.TrimSuffix(line[1:], "]")
			sections = append(sections, in)
		case in == section:
			found = true
			key, value, _ := strings.Cut(line, "=")
			out = append(out, option{key: strings.TrimRight(key, " \t"), value: strings.TrimLeft(value, " \t"), at: draft.Place{File: name, Line: n}})
		}
	}
	if !found {
		return nil, fmt.Errorf("%s has no section [%s] with options%s", name, section, thereAre(name, sections))
	}
	return out, nil
}

func thereAre(name string, sections []string) string {
	if len(sections) == 0 {
		return ""
	}
	return fmt.Sprintf("; there are [%s]: write %s:%s for another one", strings.Join(sections, "], ["), name, sections[0])
}

// add takes an option as uWSGI does: blocks and includes are done at once.
func (r *reader) add(o option, depth int) error {
	if len(r.options) > most {
		return fmt.Errorf("%s: more than %d options", o.at, most)
	}
	taken, copies, err := r.logic.step(r, o)
	if err != nil {
		return err
	}
	if !taken {
		copies = []option{o}
	}
	for _, c := range copies {
		if err := r.take(c, depth); err != nil {
			return err
		}
	}
	return nil
}

// take adds an option that is not part of a block's own syntax.
func (r *reader) take(o option, depth int) error {
	switch o.key {
	case "ini", "yaml", "yml", "xml", "xmlconfig", "json", "js", "include", "config", "inherit":
		name := r.now(o.value)
		if strings.Contains(name, "://") {
			return fmt.Errorf("%s: %s = %s: only files can be included", o.at, o.key, name)
		}
		if err := r.file(name, depth+1); err != nil {
			return fmt.Errorf("%s: %w", o.at, err)
		}
		return nil
	case "set", "set-placeholder", "set-ph":
		key, value, ok := strings.Cut(o.value, "=")
		if !ok {
			return fmt.Errorf("%s: %s = %s: NAME=VALUE is missing", o.at, o.key, o.value)
		}
		o.key, o.value, o.hidden = key, value, o.key != "set"
	}
	r.options = append(r.options, o)
	return nil
}

// value is what an option has been set to first, as uWSGI's placeholders see it.
func (r *reader) value(key string) (string, bool) {
	r.used[key] = true
	for _, o := range r.options {
		if o.key == key {
			return o.value, true
		}
	}
	return "", false
}

// signs are %d and its like: a letter stands for what it names, any other one for nothing.
type signs map[byte]string

func (s signs) in(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case '(':
			b.WriteString("%(")
		case '\n', '\r':
			b.WriteByte(text[i])
		default:
			b.WriteString(s[text[i]])
		}
	}
	return b.String()
}

// signs are those of a file.
func (r *reader) signs(path, section string) signs {
	host, _ := os.Hostname()
	base := filepath.Base(path)
	dir := filepath.Dir(path)
	ext := strings.TrimPrefix(filepath.Ext(base), ".")
	s := signs{'%': "%", 'p': path, 's': base, 'd': strings.TrimSuffix(dir, "/") + "/", 'c': filepath.Base(dir), 'e': ext, 'n': strings.TrimSuffix(base, filepath.Ext(base)), 'o': path, 'x': section,
		'v': r.dir, 'h': host, 'k': strconv.Itoa(runtime.NumCPU()), 'u': strconv.Itoa(os.Getuid()), 'g': strconv.Itoa(os.Getgid()), 't': strconv.FormatInt(time.Now().Unix(), 10), 'V': "2.0", '[': "\x1b"}
	for i, part := range strings.Split(strings.Trim(dir, "/"), "/") {
		if i < 10 {
			s[byte('0'+i)] = part
		}
	}
	if r.outer == nil {
		r.outer = map[byte]string{}
		for _, c := range "ODSPCENX" {
			r.outer[byte(c)] = s[byte(c)+'a'-'A']
		}
	}
	for c, v := range r.outer {
		s[c] = v
	}
	return s
}
