package uwsgi

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// logic is the block that options stand in: for = a b, if-env = NAME, and so on. Blocks do not nest.
type logic struct {
	kind, data string // empty: none
	failed     bool   // the last condition did not hold: else counts
}

var ends = map[string]bool{"end": true, "endfor": true, "endif": true, "end-for": true, "end-if": true}

// otherNames are shorter spellings of blocks.
var otherNames = map[string]string{"ifenv": "if-env", "ifexists": "if-exists", "ifdir": "if-dir", "if-directory": "if-dir", "ifplugin": "if-plugin"}

// step takes an option that begins, ends or stands in a block. copies are the options that it makes there.
func (l *logic) step(r *reader, o option) (taken bool, copies []option, err error) {
	key := o.key
	if long, ok := otherNames[key]; ok {
		key = long
	}
	switch {
	case ends[key]:
		*l = logic{}
		return true, nil, nil
	case key == "else":
		*l = logic{kind: "else", failed: l.failed}
		return true, nil, nil
	case l.kind != "":
		values, err := l.values(r)
		if err != nil {
			return true, nil, fmt.Errorf("%s: %w", o.at, err)
		}
		for _, v := range values {
			c := o
			c.value = strings.ReplaceAll(o.value, "%(_)", v)
			copies = append(copies, c)
		}
		return true, copies, nil
	case strings.HasPrefix(key, "if-") || key == "for" || strings.HasPrefix(key, "for-"):
		*l = logic{kind: key, data: r.now(o.value)}
		return true, nil, nil
	}
	return false, nil, nil
}

// values are what %(_) stands for, once for each time that an option of the block is taken.
func (l *logic) values(r *reader) ([]string, error) {
	switch l.kind {
	case "for":
		return strings.Fields(l.data), nil
	case "for-glob":
		list, err := filepath.Glob(r.path(l.data))
		if len(list) == 0 {
			list = []string{l.data}
		}
		return list, err
	case "for-times":
		n, err := strconv.Atoi(l.data)
		if err != nil || n < 0 || n > most {
			return nil, fmt.Errorf("for-times = %s is not a number", l.data)
		}
		out := make([]string, n)
		for i := range out {
			out[i] = strconv.Itoa(i + 1)
		}
		return out, nil
	case "for-readline":
		text, err := os.ReadFile(r.path(l.data))
		if err != nil {
			return nil, fmt.Errorf("for-readline = %s: %w", l.data, reason(err))
		}
		return strings.Split(strings.TrimRight(string(text), "\n"), "\n"), nil
	case "else":
		if !l.failed {
			return nil, nil
		}
		return []string{"%(_)"}, nil
	}
	word, not := strings.CutPrefix(strings.TrimPrefix(l.kind, "if-"), "not-")
	holds, shown, err := r.holds(word, l.data)
	if err != nil {
		return nil, err
	}
	l.failed = holds == not
	if l.failed {
		return nil, nil
	}
	return []string{shown}, nil
}

// holds evaluates a condition. shown is what %(_) stands for.
func (r *reader) holds(word, data string) (holds bool, shown string, err error) {
	name, want, compared := strings.Cut(data, "=")
	equals := func(got string, set bool) (bool, string, error) {
		if compared {
			return set && got == want, got, nil
		}
		return set, got, nil
	}
	st, serr := os.Stat(r.path(data))
	switch word {
	case "env":
		got, set := r.env[name]
		return equals(got, set)
	case "opt":
		got, set := r.value(name)
		return equals(got, set)
	case "exists":
		return serr == nil, data, nil
	case "file":
		return serr == nil && st.Mode().IsRegular(), data, nil
	case "dir":
		return serr == nil && st.IsDir(), data, nil
	case "reload":
		return false, data, nil
	case "plugin":
		return strings.HasPrefix(data, "python") || data == "http" || data == "syslog", data, nil
	case "hostname":
		host, _ := os.Hostname()
		return host == data, data, nil
	}
	return false, "", fmt.Errorf("if-%s is not known", word)
}

func (r *reader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}
