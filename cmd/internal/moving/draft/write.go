package draft

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// order is that of standpipe's documentation. Other headings follow.
var order = []string{"", "[limits]", "[log]", "[stop]", "[tls]", "[acme]", "[[listen]]", "[[certificate]]", "[[internal]]", "[[static]]", "[[app]]", "[[route]]"}

// first are the keys that say what a table is about.
var first = []string{"name", "address", "protocol", "module", "dir", "url", "path", "hosts", "mount"}

func rank(key string) int {
	if i := slices.Index(first, key); i >= 0 {
		return i
	}
	return len(first)
}

const width = 140

// String is the file.
func (d *Draft) String() string {
	var b strings.Builder
	for _, line := range d.Title {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	tables := slices.Clone(d.tables)
	slices.SortStableFunc(tables, func(x, y *Table) int { return cmp.Compare(place(x.heading), place(y.heading)) })
	for _, t := range tables {
		t.write(&b)
	}
	if len(d.missing) > 0 {
		b.WriteString("\n# Without an equivalent:\n")
	}
	for _, n := range d.missing {
		lines(&b, "#   ", "#     ", strings.TrimPrefix(n.where()+": ", ": ")+n.what+": "+n.say)
	}
	return b.String()
}

func place(heading string) int {
	if i := slices.Index(order, heading); i >= 0 {
		return i
	}
	return len(order)
}

func (t *Table) write(b *strings.Builder) {
	if len(t.keys) == 0 && len(t.within) == 0 && len(t.remarks) == 0 {
		return
	}
	b.WriteString("\n")
	switch {
	case t.off || t.heading != "" && t.heading[1] != '[' && !slices.ContainsFunc(t.keys, func(k key) bool { return !k.off }):
		b.WriteString("#" + t.heading + "\n")
	case t.heading != "":
		b.WriteString(t.heading + "\n")
	}
	for _, text := range t.remarks {
		lines(b, "# ", "# ", text)
	}
	keys := slices.Clone(t.keys)
	slices.SortStableFunc(keys, func(x, y key) int { return cmp.Compare(rank(x.name), rank(y.name)) })
	for _, k := range keys {
		line := k.name + " = " + k.value
		if k.off {
			line = "#" + line
		}
		if len(k.at) > 0 {
			line += "  # " + clean(k.at[0].String())
		}
		b.WriteString(line + "\n")
	}
	for _, child := range t.within {
		child.write(b)
	}
}

// lines writes a text as comments.
func lines(b *strings.Builder, first, next, text string) {
	line, begin := first, true
	for _, word := range strings.Fields(clean(text)) {
		if !begin && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line, begin = next, true
		}
		if !begin {
			line += " "
		}
		line, begin = line+word, false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// beginVariable and endVariable stand around a variable's name in a text of a draft: private characters of Unicode.
const beginVariable, endVariable = "\uE000", "\uE001"

// Variable is a variable of the environment within a text: ${NAME} in the file.
func Variable(name string) string { return beginVariable + name + endVariable }

// VariableOr is one with a value for where it is not set: ${NAME:-VALUE}.
func VariableOr(name, value string) string { return Variable(name + ":-" + value) }

var variables = strings.NewReplacer(beginVariable, "${", endVariable, "}")

// clean takes out what a comment may not contain.
func clean(s string) string {
	s = variables.Replace(s)
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlValue(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = quote(s)
		}
		return "[" + strings.Join(out, ", ") + "]"
	case []Pair:
		out := make([]string, len(v))
		for i, p := range v {
			name := p.Name
			if !bareKey.MatchString(name) {
				name = quote(name)
			}
			out[i] = name + " = " + quote(p.Value)
		}
		return "{ " + strings.Join(out, ", ") + " }"
	}
	panic(fmt.Sprintf("draft: a value of type %T", v)) // a mistake in the program
}

// quote writes a text for standpipe.toml, in which ${ begins a variable.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "${", "$${") {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return variables.Replace(b.String()) + `"`
}
