package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// maxFile bounds what is read of a configuration or env file: real ones are much smaller, and a wrong path may be a disk.
const maxFile = 1 << 20

// readEnvFile reads KEY=VALUE lines. Allowed: blank lines, # comments, `export ` in front, 'single' quotes (nothing
// within is special), "double" quotes (with \n, \r, \t, \", \\, \$), and a comment after a blank and a #. A quoted value may
// span lines. Nothing is expanded: a $ is a $. Errors begin with file:line.
func readEnvFile(path string) ([]EnvVar, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	return parseEnv(path, strings.ReplaceAll(string(text), "\r\n", "\n"))
}

func parseEnv(path, text string) ([]EnvVar, error) {
	var out []EnvVar
	text = strings.TrimPrefix(text, "\ufeff")
	for line := 1; text != ""; line++ {
		var row string
		row, text, _ = strings.Cut(text, "\n")
		where := fmt.Sprintf("%s:%d", path, line)
		t := strings.TrimSpace(row)
		if t == "" || t[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(t, "export "); ok {
			t = strings.TrimLeft(rest, " \t")
		}
		name, value, ok := strings.Cut(t, "=")
		if !ok {
			return nil, fmt.Errorf("%s: %q has no =; write NAME=VALUE", where, clip(t))
		}
		name = strings.TrimRight(name, " \t")
		if err := checkEnvName(name); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		value = strings.TrimLeft(value, " \t")
		if value != "" && (value[0] == '\'' || value[0] == '"') {
			// The closing quote may be on a later line.
			rest := value[1:]
			if text != "" {
				rest += "\n" + text
			}
			v, after, ok := quoted(rest, value[0])
			if !ok {
				return nil, fmt.Errorf("%s: the %c of %s is never closed", where, value[0], name)
			}
			line += strings.Count(rest[:len(rest)-len(after)], "\n")
			row, text, _ = strings.Cut(after, "\n")
			if tail := strings.TrimSpace(row); tail != "" && tail[0] != '#' {
				return nil, fmt.Errorf("%s: %q follows the closing quote of %s", where, clip(tail), name)
			}
			value = v
		} else {
			value = strings.TrimRight(cutComment(value), " \t")
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: the value of %s contains a NUL", where, name)
		}
		out = append(out, EnvVar{name, value, schema.Source{Kind: schema.FromFile, Where: where}})
	}
	return out, nil
}

// quoted reads up to the closing quote q.
func quoted(s string, q byte) (value, after string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == q:
			return b.String(), s[i+1:], true
		case c == '\\' && q == '"' && i+1 < len(s):
			i++
			switch e := s[i]; e {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(e)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func cutComment(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			return s[:i]
		}
	}
	return s
}

// clip shortens a text to its first characters: it may be a secret, or very long.
func clip(s string) string {
	if len(s) > 12 {
		return s[:12] + "..."
	}
	return s
}

// readBounded reads a regular file of at most maxFile bytes. Its errors do not name the file.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, reason(err)
	}
	if st.IsDir() {
		return nil, errors.New("is a folder, not a file")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, reason(err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("is larger than %s", schema.FormatSize(maxFile))
	}
	return b, nil
}

// reason is why a file could not be used, without the path and the name of the system call.
func reason(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("does not exist")
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
