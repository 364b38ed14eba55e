package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Expand puts variables into a text of the file: ${NAME}, or ${NAME:-DEFAULT} for one that is unset or empty. $${ is a
// plain ${. Any other dollar sign stays. used are the variables that the text names. The error is the end of a sentence.
func Expand(text string, env Environment) (out string, used []string, err error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		if !ok {
			return b.String() + before, used, nil
		}
		if plain, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(plain + "${")
			text = rest
			continue
		}
		inside, after, ok := strings.Cut(rest, "}")
		name, fallback, has := strings.Cut(inside, ":-")
		switch {
		case !ok:
			return "", used, fmt.Errorf("has a ${ without a }; write $${ for a plain ${")
		case !variableName.MatchString(name):
			return "", used, fmt.Errorf("has ${%s}, which is not ${NAME} or ${NAME:-DEFAULT}; write $${ for a plain ${", inside)
		case env[name] != "":
			fallback = env[name]
		case !has:
			return "", used, fmt.Errorf("needs the variable %s, which is not set; set it, or write ${%s:-DEFAULT}", name, name)
		}
		if !slices.Contains(used, name) {
			used = append(used, name)
		}
		b.WriteString(before + fallback)
		text = after
	}
}

// expand puts variables into all texts of a decoded value, and remembers by their paths which ones they name. A text that
// cannot be expanded is a problem, and stays as it is.
func (r *tomlReader) expand(path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range r.keys(path, v) {
			v[key] = r.expand(join(path, key), v[key])
		}
	case []any:
		for i := range v {
			v[i] = r.expand(fmt.Sprintf("%s[%d]", path, i), v[i])
		}
	case string:
		text, used, err := Expand(v, r.env)
		if err != nil {
			r.bad.Add(r.src(path), "%s %v", withoutNumbers(path), err)
			r.unexpanded = append(r.unexpanded, path)
			return v
		}
		if len(used) > 0 {
			r.variables[path] = used
		}
		return text
	}
	return v
}

// variablesOf are the variables that a value names, and whether one of its texts could not be expanded.
func (r *tomlReader) variablesOf(path string) (used []string, ok bool) {
	within := func(p string) bool {
		rest, has := strings.CutPrefix(p, path)
		return has && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	for p, names := range r.variables {
		if within(p) {
			used = append(used, names...)
		}
	}
	slices.Sort(used)
	return slices.Compact(used), !slices.ContainsFunc(r.unexpanded, within)
}

var placeNumber = regexp.MustCompile(`\[\d+\]`)

// withoutNumbers is a path for a sentence, whose beginning names the line: app.env.KEY.
func withoutNumbers(path string) string { return placeNumber.ReplaceAllString(path, "") }
