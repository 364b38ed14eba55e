package uwsgi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// parseYAML reads the part of YAML that uWSGI's own parser knows: a section, and below it a key and a value in each line, or a
// list of values.
func parseYAML(text, name, section string) (out []option, err error) {
	inside, found := false, false
	key, n := "", 0
	for line := range strings.Lines(text) {
		n++
		if i := strings.IndexByte(line, '#'); i == 0 || i > 0 && (line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
		}
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "-")
		line = strings.TrimSpace(line)
		if line == "" || line == "---" {
			continue
		}
		if !indented {
			inside = strings.TrimSuffix(line, ":") == section
			found = found || inside
			continue
		}
		if !inside {
			continue
		}
		at := draft.Place{File: name, Line: n}
		if value, ok := strings.CutPrefix(line, "- "); ok {
			if k, v, pair := strings.Cut(value, ": "); pair {
				out = append(out, option{key: unquoted(k), value: unquoted(v), at: at})
			} else {
				out = append(out, option{key: key, value: unquoted(value), at: at})
			}
			continue
		}
		k, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%s: a colon is missing", at)
		}
		if key = unquoted(strings.TrimSpace(k)); strings.TrimSpace(value) != "" {
			out = append(out, option{key: key, value: unquoted(strings.TrimSpace(value)), at: at})
		}
	}
	if !found {
		return nil, fmt.Errorf("%s has no section %s", name, section)
	}
	return out, nil
}

func unquoted(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// parseXML reads <uwsgi><key>value</key></uwsgi>.
func parseXML(text, name string) (out []option, err error) {
	d := xml.NewDecoder(strings.NewReader(text))
	depth := 0
	value := ""
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		at := draft.Place{File: name, Line: line}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			value = ""
		case xml.CharData:
			value += string(token)
		case xml.EndElement:
			if depth == 2 {
				out = append(out, option{key: token.Name.Local, value: strings.TrimSpace(value), at: at})
			}
			depth--
		}
	}
}

// parseJSON reads {"uwsgi": {"key": "value", "other": ["a", "b"]}}.
func parseJSON(text, name, section string) (out []option, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var stack []string // the keys around
	key, expectKey := "", false
	var arrays []bool
	for {
		token, err := d.Token()
		at := draft.Place{File: name, Line: 1 + bytes.Count([]byte(text[:min(int(d.InputOffset()), len(text))]), []byte("\n"))}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{', '[':
				stack, arrays = append(stack, key), append(arrays, delim == '[')
				expectKey = delim == '{'
			default:
				key = stack[len(stack)-1]
				stack, arrays = stack[:len(stack)-1], arrays[:len(arrays)-1]
				expectKey = len(arrays) > 0 && !arrays[len(arrays)-1]
			}
			continue
		}
		if expectKey {
			key, _ = token.(string)
			expectKey = false
			continue
		}
		expectKey = !arrays[len(arrays)-1]
		if token == nil || len(stack) < 2 || stack[1] != section {
			continue
		}
		out = append(out, option{key: key, value: fmt.Sprint(token), at: at})
	}
}
