package uwsgi

import (
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// expand replaces placeholders in all options, in three passes as uWSGI: variables, files, options.
func (r *reader) expand() (unset []option) {
	for _, sign := range []byte("$@%") {
		for i := range r.options {
			o := &r.options[i]
			value, left := replace(o.value, sign, r.resolver(sign))
			o.value = value
			if left && sign != '@' && !strings.HasPrefix(o.key, "log-format") && o.key != "logformat" && !strings.Contains(o.key, "route") && !strings.Contains(o.key, "encoder") {
				unset = append(unset, *o)
			}
		}
	}
	return unset
}

// now resolves a value at once, where uWSGI needs it before the passes.
func (r *reader) now(value string) string {
	for _, sign := range []byte("$%") {
		value, _ = replace(value, sign, r.resolver(sign))
	}
	return value
}

func (r *reader) resolver(sign byte) func(string) (string, bool) {
	switch sign {
	case '$':
		return r.variable
	case '@':
		return func(name string) (string, bool) {
			text, err := os.ReadFile(r.path(name))
			return strings.TrimRight(string(text), "\n"), err == nil
		}
	}
	return r.placeholder
}

// replace replaces SIGN(name). left: one could not be resolved and stays.
func replace(text string, sign byte, resolve func(string) (string, bool)) (out string, left bool) {
	var b strings.Builder
	for rounds := 0; ; rounds++ {
		i := strings.Index(text, string(sign)+"(")
		end := -1
		if i >= 0 {
			end = closing(text[i+2:])
		}
		if end < 0 || rounds > 1000 {
			b.WriteString(text)
			return b.String(), left
		}
		name := text[i+2 : i+2+end]
		after := text[i+2+end+1:]
		value, ok := resolve(name)
		if !ok || value == text[i:i+2+end+1] {
			left = left || !ok
			b.WriteString(text[:i+2+end+1])
			text = after
			continue
		}
		text = text[:i] + value + after // a value may have placeholders of its own
	}
}

// closing is the place of the ) that belongs to a ( before the text.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// variable reads $(NAME), $(NAME:-default) and $(NAME-default). One that is not set stays a variable in the file.
func (r *reader) variable(text string) (string, bool) {
	if name, alt, ok := strings.Cut(text, ":-"); ok {
		if v := r.env[name]; v != "" {
			return v, true
		}
		return alt, true
	}
	if name, alt, ok := strings.Cut(text, "-"); ok {
		if v, set := r.env[name]; set {
			return v, true
		}
		return alt, true
	}
	v, set := r.env[text]
	if !set && envName.MatchString(text) {
		r.unset[text] = true
		return draft.Variable(text), true
	}
	return v, set
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// placeholder reads %(name), and the arithmetic of %(processes * 2).
func (r *reader) placeholder(text string) (string, bool) {
	if !strings.Contains(text, " ") {
		return r.value(text)
	}
	current, op := "", ""
	for _, word := range strings.Fields(text) {
		switch word {
		case "+", "-", "*", "/":
			op = word
			continue
		case "++", "--":
			n := number(current)
			if word == "++" {
				n += 2
			}
			current, op = strconv.Itoa(n-1), ""
			continue
		}
		value := word
		if _, err := strconv.Atoi(word); err != nil {
			value, _ = r.value(word)
		}
		current, op = apply(op, current, value), ""
	}
	return current, true
}

func apply(op, a, b string) string {
	x, y := number(a), number(b)
	switch op {
	case "+":
		return strconv.Itoa(x + y)
	case "-":
		return strconv.Itoa(x - y)
	case "*":
		return strconv.Itoa(x * y)
	case "/":
		if y == 0 {
			return "0"
		}
		return strconv.Itoa(x / y)
	}
	return a + b
}

// number is the number that a text begins with, as C's strtoll; 0: none.
func number(s string) int {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[end] == '-') {
		end++
	}
	n, _ := strconv.Atoi(s[:end])
	return n
}
