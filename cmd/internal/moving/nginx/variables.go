package nginx

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// test is what if asks: ($variable op value).
type test struct{ variable, op, value string }

// testOf reads the arguments of if.
func testOf(args []string) (t test, ok bool) {
	words := slices.Clone(args)
	if len(words) == 0 || !strings.HasPrefix(words[0], "(") {
		return t, false
	}
	words[0] = words[0][1:]
	if end := len(words) - 1; words[end] == ")" {
		words = words[:end]
	} else {
		words[end] = strings.TrimSuffix(words[end], ")")
	}
	if len(words) > 0 && words[0] == "" {
		words = words[1:]
	}
	switch {
	case len(words) == 1:
		t = test{variable: words[0]}
	case len(words) == 2 && strings.HasPrefix(strings.TrimPrefix(words[0], "!"), "-"):
		t = test{words[1], words[0], ""}
	case len(words) == 3 && slices.Contains([]string{"=", "!=", "~", "~*", "!~", "!~*"}, words[1]):
		t = test{words[0], words[1], words[2]}
	default:
		return t, false
	}
	t.variable = strings.Trim(t.variable, "${}")
	return t, true
}

// solution is what a test holds for: one of the choices, or, with not, all that none of them holds for.
type solution struct {
	any []choice
	not bool
}

// choice are conditions, and the value that a variable of map or geo has then.
type choice struct {
	cond  conditions
	value string
}

// solve says in conditions of a route what a test holds for.
func (v *variables) solve(t test, at draft.Place) (solution, error) {
	if m := v.maps[t.variable]; m != nil {
		m.used = true
		return m.solve(t, at)
	}
	cond, not, err := builtin(t)
	cond.at = at
	return solution{[]choice{{cond: cond}}, not}, err
}

// builtin is a test of one of nginx's own variables.
func builtin(t test) (c conditions, not bool, err error) {
	not = strings.HasPrefix(t.op, "!")
	switch op := strings.TrimPrefix(t.op, "!"); {
	case t.variable == "request_method" && op != "":
		c.methods = wordsOf(op, t.value, regexp.MustCompile(`^[A-Z]+$`))
		err = known(c.methods, "a list of methods")
	case (t.variable == "host" || t.variable == "http_host") && op != "":
		c.hosts = wordsOf(op, t.value, regexp.MustCompile(`^(\*\.)?[A-Za-z0-9.-]+$`))
		err = known(c.hosts, "a list of hosts")
	case t.variable == "scheme" || t.variable == "http_x_forwarded_proto" || t.variable == "https":
		return schemeOf(t)
	case t.variable == "remote_addr" && op == "=":
		_, err = netip.ParseAddr(t.value)
		c.clients = []string{t.value}
	case (t.variable == "uri" || t.variable == "document_uri" || t.variable == "request_uri") && (op == "=" || t.op == "~" || t.op == "~*"):
		c, err = pathOf(t)
	case strings.HasPrefix(t.variable, "arg_"):
		var pattern string
		pattern, err = patternOf(t)
		c.query, not = []draft.Pair{{Name: strings.TrimPrefix(t.variable, "arg_"), Value: pattern}}, false
	case strings.HasPrefix(t.variable, "cookie_"):
		var pattern string
		pattern, err = cookieOf(t)
		c.fields, not = []draft.Pair{{Name: "Cookie", Value: pattern}}, false
	case strings.HasPrefix(t.variable, "http_") && t.variable != "http_host":
		var pattern string
		pattern, err = patternOf(t)
		name := http.CanonicalHeaderKey(strings.ReplaceAll(strings.TrimPrefix(t.variable, "http_"), "_", "-"))
		c.fields, not = []draft.Pair{{Name: name, Value: pattern}}, false
	default:
		err = fmt.Errorf("a route has no condition for $%s %s", t.variable, t.op)
	}
	return c, not, err
}

// pathOf is a test of the path.
func pathOf(t test) (c conditions, err error) {
	switch asks := "it asks for a path with its query; a route has `path_regex` and `match_query`"; {
	case strings.HasSuffix(t.op, "=") && strings.Contains(t.value, "?"), t.variable == "request_uri" && strings.Contains(t.value, `\?`):
		return c, fmt.Errorf("%s", asks)
	case strings.HasSuffix(t.op, "="):
		c.exact = []string{t.value}
	default:
		c.regex, err = match{t.op, t.value}.regex()
	}
	return c, err
}

func known(list []string, what string) error {
	if len(list) == 0 {
		return fmt.Errorf("it asks for no %s", strings.TrimPrefix(what, "a "))
	}
	return nil
}

// wordsOf are the words that a value, or an expression like ^(A|B)$, stands for; nil: it is another expression.
func wordsOf(op, value string, word *regexp.Regexp) []string {
	if op != "=" {
		inner, ok := strings.CutPrefix(value, "^")
		inner, end := strings.CutSuffix(inner, "$")
		if !ok || !end {
			return nil
		}
		value = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(inner, "("), "?:"), ")"), `\`, "")
		if strings.ContainsAny(inner, "[]*+?{") && !strings.HasPrefix(inner, "(?:") || strings.Contains(strings.Trim(inner, "()"), "(") {
			return nil
		}
		if strings.Contains(inner, "|") && !strings.HasPrefix(inner, "(") {
			return nil // ^A|B$ is not bound on both sides
		}
	}
	words := strings.Split(value, "|")
	if op == "=" {
		words = []string{value}
	}
	for _, w := range words {
		if !word.MatchString(w) {
			return nil
		}
	}
	return words
}

func schemeOf(t test) (c conditions, not bool, err error) {
	value := t.value
	if t.variable == "https" {
		value = map[string]string{"on": "https", "": "http"}[t.value]
	}
	switch {
	case value != "http" && value != "https" || t.op != "=" && t.op != "!=":
		return c, false, fmt.Errorf("`scheme` of a route is http or https")
	case t.op == "!=":
		value = map[string]string{"http": "https", "https": "http"}[value]
	}
	c.scheme = value
	return c, false, nil
}

// patternOf is a test as match_fields and match_query have it.
func patternOf(t test) (string, error) {
	not := ""
	if strings.HasPrefix(t.op, "!") {
		not = "!"
	}
	switch strings.TrimPrefix(t.op, "!") {
	case "":
		return "*", nil
	case "=":
		switch {
		case t.value == "" && not == "":
			return "!*", nil
		case t.value == "":
			return "*", nil
		case strings.ContainsAny(t.value[:1], "*~!"):
			return not + "~^" + regexp.QuoteMeta(t.value) + "$", nil
		}
		return not + t.value, nil
	case "~", "~*":
		text, err := match{strings.TrimPrefix(t.op, "!"), t.value}.regex()
		return not + "~" + text, err
	}
	return "", fmt.Errorf("%s is not known here", t.op)
}

// cookieOf is a test of one cookie as match_fields has it for the field Cookie.
func cookieOf(t test) (string, error) {
	name := `(?:^|; *)` + regexp.QuoteMeta(strings.TrimPrefix(t.variable, "cookie_")) + "="
	not := ""
	if strings.HasPrefix(t.op, "!") {
		not = "!"
	}
	text := ""
	switch op := strings.TrimPrefix(t.op, "!"); op {
	case "":
		text = name + "[^;]"
	case "=":
		text = name + regexp.QuoteMeta(t.value) + "(?:;|$)"
		if t.value == "" {
			text = name + "[^;]"
			not = map[string]string{"": "!", "!": ""}[not]
		}
	case "~", "~*":
		re, free := t.value, "[^;]*"
		if rest, ok := strings.CutPrefix(re, "^"); ok {
			re, free = rest, ""
		}
		if rest, ok := strings.CutSuffix(re, "$"); ok {
			re = "(?:" + rest + ")(?:;|$)"
		} else {
			re = "(?:" + re + ")"
		}
		if op == "~*" {
			re = "(?i:" + re + ")"
		}
		text = name + free + re
	}
	_, err := regexp.Compile(text)
	return not + "~" + text, err
}
