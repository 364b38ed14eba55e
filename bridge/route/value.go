package route

import (
	"regexp"
	"strings"
)

// Value is the name of a field or a query parameter, and a pattern for its value: "*" is any
// value, "~RE" a regular expression that is found in it, any other text the value itself. "!" in
// front: there is no such value.
type Value struct{ Name, Pattern string }

// pattern is a Value, compiled.
type pattern struct {
	name, text string
	not, any   bool
	exact      string
	re         *regexp.Regexp // nil: exact, or any
}

func (v Value) compile() (*pattern, error) {
	p := &pattern{name: v.Name, text: v.Pattern}
	text := v.Pattern
	text, p.not = strings.CutPrefix(text, "!")
	expr, isRegex := strings.CutPrefix(text, "~")
	switch {
	case isRegex:
		re, err := compileRegex(expr)
		if err != nil {
			return nil, err
		}
		p.re = re
	case text == "*":
		p.any = true
	default:
		p.exact = text
	}
	return p, nil
}

func (p *pattern) fits(v string) bool {
	switch {
	case p.any:
		return true
	case p.re != nil:
		return p.re.MatchString(v)
	}
	return v == p.exact
}

func (p *pattern) String() string { return p.name + "=" + p.text }
